"""The listeners of `bench experiments`: what is planted is there, and nothing else."""

from collections import Counter, defaultdict

import pytest
from msgspec.structs import replace

from schemas.codec import encode
from schemas.experiments import assigned
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from streams.benchmarks.experiments.planted_tests import HELPS, LOSES, NOTHING, SELLS, PlantedTests, definitions, events
from streams.subscribers.experiment_table import ExperimentTable

PLANTED = PlantedTests(listeners=1_500, days=4, seed=3)
DAY = PLANTED.day_ms


def table_of(planted: PlantedTests) -> ExperimentTable:
    table = ExperimentTable()
    for test in definitions(planted):
        table.put(test.name.encode(), encode(test))
    return table


def played(planted: PlantedTests) -> list[Impression | StreamEnd]:
    return events(planted, definitions(planted), table_of(planted))


def by_arm(found: list[Impression | StreamEnd], name: str, *, before: bool = False) -> dict[str, tuple[float, float]]:
    """Listeners, and streams a page, of each arm of an experiment, since it began."""
    table, pages, plays = table_of(PLANTED), Counter[str](), Counter[str]()
    listeners = defaultdict(set)
    for one in found:
        if (one.event_ms < 2 * DAY) != before:
            continue
        arm = table.variants(one.user_id, event_ms=2 * DAY)[name]
        listeners[arm].add(one.user_id)
        pages[arm] += isinstance(one, Impression)
        plays[arm] += isinstance(one, StreamEnd)
    return {arm: (float(len(listeners[arm])), plays[arm] / pages[arm]) for arm in pages}


def test_effects_are_where_they_were_planted_and_only_since_the_beginning() -> None:
    found = played(PLANTED)
    for name, effect in ((HELPS, 8 * PLANTED.effect), (SELLS, 8 * PLANTED.effect), (NOTHING, 0.0)):
        after, earlier = by_arm(found, name), by_arm(found, name, before=True)
        assert after["b"][1] - after["a"][1] == pytest.approx(effect, abs=0.15)
        assert earlier["b"][1] - earlier["a"][1] == pytest.approx(0.0, abs=0.15)
    lost = by_arm(found, LOSES)
    assert lost["b"][0] / lost["a"][0] == pytest.approx(1.0 - PLANTED.lost_share, abs=0.08)


def test_the_same_seed_gives_the_same_events_in_order_of_time() -> None:
    few = replace(PLANTED, listeners=200)
    found = played(few)
    assert found == played(few)
    assert found != played(replace(few, seed=4))
    assert [one.event_ms for one in found] == sorted(one.event_ms for one in found)


def test_every_other_client_reports_what_the_worker_would_assign() -> None:
    table = table_of(PLANTED)
    reported = Counter[bool]()
    for one in played(replace(PLANTED, listeners=200)):
        if isinstance(one, Impression) and one.event_ms >= 2 * DAY:
            reported[bool(one.assignments)] += 1
            assert not one.assignments or assigned(one.assignments) == table.variants(
                one.user_id, event_ms=one.event_ms
            )
    assert min(reported[True], reported[False]) > 100
