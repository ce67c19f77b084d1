"""A change among streams that are shared by blocks: who is named, how large it is said to be, how an incident ends."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.worlds.soft_blocks import PlantedChange, SoftBlocks
from schemas.codec import encode
from schemas.monitoring import DriftAlert, DriftIncident, EngagementSums
from tests.tasks.test_cores import Kept

SETTINGS = DriftSettings(settling_buckets=1)
LENGTH_MS = SETTINGS.bucket_length_ms
CHANGE_AT, VISITS = 25, 1_500
CALM = PlantedChange()
WORLDS = range(8)


def history(seed: int, *changes: tuple[int, PlantedChange], buckets: int = 45) -> list[EngagementSums]:
    """A world that changes at these buckets."""
    world, planned = SoftBlocks(seed), dict(changes)
    found = []
    for bucket in range(buckets):
        if bucket in planned:
            world.plant(planned[bucket])
        found.append(world.sums(bucket * LENGTH_MS, visits=VISITS, bucket_length_ms=LENGTH_MS))
    return found


def told(sums: Iterable[EngagementSums], drift: DriftSettings = SETTINGS) -> list[DriftAlert | DriftIncident]:
    monitor = EngagementMonitor(drift)
    messages = [message for one in sums for message in monitor.engagement([one])]
    return [message for message in messages if isinstance(message, DriftAlert | DriftIncident)]


def incidents(sums: Iterable[EngagementSums], drift: DriftSettings = SETTINGS) -> list[DriftIncident]:
    return [message for message in told(sums, drift) if isinstance(message, DriftIncident)]


def length(factor: float) -> PlantedChange:
    return PlantedChange("length", float(np.log(factor)))


ONLY_TIME = replace(SETTINGS, watch_shares=False)


@pytest.mark.parametrize("factor", [1 / 12, 1 / 5, 5.0])
def test_the_block_that_changed_comes_first_and_its_size_is_right(factor: float) -> None:
    firsts, within, sizes, began, shift = 0, 0, [], [], np.log(factor)
    for seed in WORLDS:
        first, *others = incidents(history(seed, (CHANGE_AT, length(factor))), ONLY_TIME)
        block = SoftBlocks(seed).block
        firsts += first.subjects[0] == f"{block[0]}.{block[1]}"
        within += first.size_low <= shift <= first.size_high
        sizes.append(first.size / shift)
        began.append(first.change_ms // LENGTH_MS - CHANGE_AT)
        assert first.bucket_ms >= CHANGE_AT * LENGTH_MS
        assert len([one for one in others if one.state == "open"]) <= 1
    assert firsts >= 7
    assert within >= 6
    assert 0.8 < np.median(sizes) < 1.2, "neither spread over a window that spans the change, nor over other blocks"
    assert np.median(np.abs(began)) <= 1


def test_where_nothing_changes_there_is_hardly_an_incident() -> None:
    assert len([one for seed in WORLDS for one in incidents(history(seed + 100))]) <= 1


def test_an_incident_opens_and_closes_when_the_new_level_is_usual() -> None:
    found = incidents(history(3, (CHANGE_AT, length(1 / 12)), buckets=60), ONLY_TIME)
    (one,) = {message.incident_id for message in found}
    assert [message.number for message in found] == list(range(1, len(found) + 1))
    assert [message.state for message in found[:1] + found[-1:]] == ["open", "closed"]
    assert found[-1].closed_as == "new-level"
    assert {message.closed_as for message in found[:-1]} == {""}
    all_told = told(history(3, (CHANGE_AT, length(1 / 12))), ONLY_TIME)
    alerts = [message for message in all_told if isinstance(message, DriftAlert)]
    assert {alert.incident_id for alert in alerts} == {one}
    width = [message.size_high - message.size_low for message in found]
    assert width[-1] < width[0], "it grows more certain"


def test_a_shift_that_goes_back_closes_its_incident_and_is_no_other() -> None:
    back = history(3, (CHANGE_AT, length(1 / 12)), (CHANGE_AT + 8, length(1.0)), buckets=75)
    found = incidents(back, ONLY_TIME)
    assert [message.closed_as for message in found if message.state == "closed"] == ["returned"]
    assert len({message.incident_id for message in found}) == 1


def test_a_new_generation_closes_what_is_open() -> None:
    sums = history(3, (CHANGE_AT, length(1 / 12)), buckets=CHANGE_AT + 10)
    later = [replace(message, generation=2) for message in history(3, buckets=40)[CHANGE_AT + 10 :]]
    last = incidents([*sums, *later], ONLY_TIME)[-1]
    assert (last.state, last.closed_as, last.generation) == ("closed", "regrouped", 1)


@pytest.mark.parametrize(
    ("kind", "quantity", "size"),
    [
        ("migration", "user-group-share", 0.0),
        ("ones", "sure-propensity-share", 0.3),
        ("unreadable", "dead-letter-share", 0.3),
        ("rate", "stream-rate", 0.0),
    ],
)
def test_other_quantities_are_told_in_the_same_way(kind: str, quantity: str, size: float) -> None:
    found = incidents(history(5, (CHANGE_AT, PlantedChange(kind))))  # type: ignore[arg-type]
    first = next(message for message in found if message.quantity == quantity)
    assert first.bucket_ms >= (CHANGE_AT - 2) * LENGTH_MS
    assert first.state == "open"
    if size:
        assert abs(first.size - size) < 0.12
        assert first.severity == "severe"


def test_severity_is_by_traffic_times_size() -> None:
    found = incidents(history(3, (CHANGE_AT, length(1 / 12))), ONLY_TIME)
    for message in found:
        assert message.impact == pytest.approx(message.traffic * abs(message.size), abs=1e-5)
    bounds = ONLY_TIME.notable_impact, ONLY_TIME.severe_impact
    for message in found[:1]:
        assert message.severity == ("minor", "notable", "severe")[sum(message.impact >= bound for bound in bounds)]
    mild = replace(ONLY_TIME, notable_impact=8.0, severe_impact=9.0)
    assert {message.severity for message in incidents(history(3, (CHANGE_AT, length(1 / 12))), mild)} == {"minor"}


WHOLE = history(3, (CHANGE_AT, length(1 / 12)), (CHANGE_AT + 9, PlantedChange("ones")))


def cut(places: set[int]) -> list[bytes]:
    """What a monitor says that is written down and taken up again before these messages."""
    monitor, kept, said = EngagementMonitor(SETTINGS), Kept(), []
    for place, message in enumerate(WHOLE):
        if place in places:
            monitor = EngagementMonitor(SETTINGS)
            monitor.restore(kept.rows.items())
        said.extend(encode(one) for one in monitor.engagement([message]))
        kept.keep(monitor.changed_rows())
    return said


UNCUT = cut(set())


@settings(max_examples=10, deadline=None)
@given(st.sets(st.integers(0, len(WHOLE) - 1), max_size=8))
def test_a_crash_anywhere_repeats_no_message_and_loses_none(places: set[int]) -> None:
    states = [one for one in UNCUT if b"drift-incident" in one]
    assert any(b'"closed"' in one for one in states)
    assert len(states) > 3
    assert cut(places) == UNCUT
