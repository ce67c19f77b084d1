"""What is counted, and what is taken back when a partition moves on."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.exactly_once.observer import Observer
from streams.observing.ages import UP_TO_MS, Ages
from streams.observing.reporting import registry_of, unready
from streams.observing.several_observers import EVENTS, Together

PLACE = {"task": "listeners", "partition": "3"}


def test_gauges_of_a_partition_that_another_worker_has_are_taken_back_and_counts_stay() -> None:
    registry, metrics = registry_of(unready())
    metrics.assigned("listeners", 3)
    assert registry.get_sample_value("shelfwise_aborts_total", PLACE) == 0, "an increase from nothing is not seen"
    metrics.restoring("listeners", 3, rows=10, bytes_read=100)
    metrics.taking_up("listeners", 3, rows=5, rows_all=10)
    metrics.lagging("listeners", 3, "impressions", records=5, seconds=1.5)
    metrics.measured("listeners", 3, counts={"outcomes_settled": 7}, gauges={"exposures_open": 9, "listeners_kept": 2})
    topic, kept = {**PLACE, "topic": "impressions"}, {**PLACE, "what": "listeners_kept"}
    gauges = [
        ("shelfwise_restored_rows", PLACE, 10),
        ("shelfwise_restored_share", PLACE, 0.5),
        ("shelfwise_lag_records", topic, 5),
        ("shelfwise_lag_seconds", topic, 1.5),
        ("shelfwise_exposures_open", PLACE, 9),
        ("shelfwise_kept", kept, 2),
    ]
    assert [registry.get_sample_value(name, labels) for name, labels, _ in gauges] == [value for *_, value in gauges]
    metrics.revoked("listeners", 3)
    assert [registry.get_sample_value(name, labels) for name, labels, _ in gauges] == [None] * len(gauges)
    assert registry.get_sample_value("shelfwise_exposures_settled_total", PLACE) == 7


@given(st.lists(st.lists(st.integers(0, 400_000), max_size=20), max_size=5))
def test_a_histogram_of_batches_is_that_of_their_values_one_by_one(batches: list[list[int]]) -> None:
    ages = Ages("age_seconds", "Age")
    for batch in batches:
        ages.add("listeners", 0, np.array(batch, dtype=np.int64))
    values = [age_ms for batch in batches for age_ms in batch]
    [family] = ages.collect()
    found = {sample.labels["le"]: sample.value for sample in family.samples if "le" in sample.labels}
    if batches:
        expected = {str(bound_ms / 1_000): sum(age <= bound_ms for age in values) for bound_ms in UP_TO_MS}
        assert found == {**expected, "+Inf": len(values)}
        assert sum(sample.value for sample in family.samples if sample.name.endswith("_sum")) == sum(values) / 1_000


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_reaches_every_observer(event: str) -> None:
    heard: list[tuple[int, tuple[Any, ...], dict[str, Any]]] = []

    def hearing(number: int) -> Observer:
        observer = Observer()
        hear: Callable[..., None] = lambda *args, **kwargs: heard.append((number, args, kwargs))  # noqa: E731
        setattr(observer, event, hear)
        return observer

    parameters = list(inspect.signature(getattr(Observer, event)).parameters.values())[1:]
    args = [it.name for it in parameters if it.kind is not it.KEYWORD_ONLY]
    kwargs = {it.name: it.name for it in parameters if it.kind is it.KEYWORD_ONLY}
    getattr(Together(hearing(1), hearing(2)), event)(*args, **kwargs)
    assert heard == [(1, tuple(args), kwargs), (2, tuple(args), kwargs)]
