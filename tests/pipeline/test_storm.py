"""A short crash storm over the whole pipeline, on every broker: nothing is lost and nothing counts twice."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.benchmarks.bench_brokers import Backend
from streams.benchmarks.storm.forget_mid_storm import Asked, names_of, with_requests
from streams.benchmarks.storm.schedule import ActKind, StormSettings, schedule
from streams.benchmarks.storm.storm import bench_storm
from tests.builders import impression

SHORT = StormSettings(
    seed=7, seconds=10.0, nodes=1, worker_kills=2, broker_kills=1, scale_changes=2, freezes=0, events_per_second=120,
    transaction_timeout_ms=8_000, clusters=1, forget=5,
)  # fmt: skip
FAULTY = StormSettings(
    seed=8, seconds=13.0, nodes=1, worker_kills=2, broker_kills=1, scale_changes=0, freezes=1, freeze_s=7.0,
    fault_bursts=2, events_per_second=120, transaction_timeout_ms=8_000, clusters=1, forget=5,
)  # fmt: skip
STORMS = [
    pytest.param(Backend.EMBEDDED, FAULTY, id="embedded"),
    pytest.param(Backend.JARS, SHORT, id="jars", marks=pytest.mark.kafka),
]


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "storm"), STORMS)
def test_after_a_storm_the_audit_holds(backend: Backend, storm: StormSettings) -> None:
    found = bench_storm(storm, backend)
    assert found["audit"]["findings"] == ()
    assert found["audit"]["open"] == 0
    assert found["worker_deaths"] == []
    assert found["passed"], found
    assert found["worker_kills"] == storm.worker_kills + 2 * storm.clusters
    assert found["audit"]["settled"] > 1_500
    assert found["asked_to_be_forgotten"] == storm.forget
    assert sum(one["kept"] for one in found["scan_for_them"].values()) == 0
    assert found["scan_for_them"]["impressions"]["leaving"] > storm.forget


def test_a_schedule_has_what_was_asked_for_and_ends_in_time() -> None:
    settings = StormSettings(seed=5, fault_bursts=4)
    acts = schedule(settings)
    for kind, count in (
        (ActKind.KILL_WORKER, settings.worker_kills),
        (ActKind.KILL_BROKER, settings.broker_kills),
        (ActKind.SCALE, settings.scale_changes),
        (ActKind.FREEZE_WORKER, settings.freezes),
        (ActKind.FAULTS, 4),
    ):
        assert sum(act.kind is kind for act in acts) == count
    assert all(act.at_s + act.lasts_s * (act.kind is ActKind.FREEZE_WORKER) < settings.seconds for act in acts)
    assert acts == sorted(acts)


@given(st.integers(0, 40), st.integers(0, 9))
def test_nothing_comes_of_those_who_have_asked_and_all_others_are_as_they_were(count: int, seed: int) -> None:
    plain = [impression(event_id=f"i{number}", user_id=f"u{number % 200}") for number in range(2_000)]
    mixed = list(with_requests(plain, count, of_events=len(plain), users=200, seed=seed))
    asked = [one.user_id for one in mixed if isinstance(one, Asked)]
    assert asked == names_of(count, seed)
    for name in asked:
        of_hers = [place for place, one in enumerate(mixed) if one.user_id == name]
        assert isinstance(mixed[of_hers[-1]], Asked), "the request is the last that comes"
        assert len(of_hers) > 10
    others = [one for one in mixed if one.user_id not in set(asked)]
    assert others == [one for one in plain if one in others]
    assert len(others) == len(plain) - 10 * count * min(10, 200 // max(count, 1))


def test_clustered_acts_come_within_seconds_and_leave_the_others_as_they_were() -> None:
    plain, clustered = StormSettings(seed=5), StormSettings(seed=5, clusters=4)
    extra = [act for act in schedule(clustered) if act not in schedule(plain)]
    assert set(schedule(plain)) < set(schedule(clustered))
    assert {act.kind for act in extra} == set(ActKind) - {ActKind.FAULTS}
    gaps = [later.at_s - earlier.at_s for earlier, later in pairwise(extra)]
    assert sum(gap > 20.0 for gap in gaps) == clustered.clusters - 1
