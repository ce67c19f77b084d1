"""Drift: how often a monitor that reads no change alarms, against its budget; delays of changes that it reads."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.drift.e_detector import SPREADS, Prior, Read, evidence
from processors.drift.evidence import block_evidence, evidence_message, evidence_sums
from processors.drift.monitor import Change, Monitor, MonitorState
from processors.drift.monitors import Monitors
from processors.drift.settings import DriftSettings
from processors.drift.subjects import Subject, of_block
from processors.drift.usual import BlockBucket, Usual

BUCKETS, CHANGE_AT = 60, 30
BUDGET = 1e-4


def bucket_of(at: int, residual: np.ndarray, share: float = 1.0) -> BlockBucket:
    """Streams [n] that count in this block by so much each."""
    shares = np.full(len(residual), share)
    sums = block_evidence(shares[:, None], np.ones((len(residual), 1)), residual + 6.0, np.full(len(residual), 6.0))
    return BlockBucket(at, *sums[:, 0, 0].tolist())


def drawn(rng: np.random.Generator, at: int, shift: float, streams: float = 12.0, between: float = 0.0) -> BlockBucket:
    mean = shift * (at >= CHANGE_AT) + between * rng.standard_normal()
    return bucket_of(at, rng.normal(mean, 1.5, int(rng.poisson(streams)) + 1))


def alarms(rng: np.random.Generator, shift: float, streams: float = 12.0, budget: float = BUDGET) -> list[int]:
    monitor = Monitor(DriftSettings())
    return [at for at in range(BUCKETS) if monitor.read(drawn(rng, at, shift, streams), budget)]


def test_blocks_that_do_not_change_alarm_no_more_often_than_their_budgets_add_up_to() -> None:
    rng = np.random.default_rng(1)
    false = sum(len(alarms(rng, 0.0, budget=2e-3)) for _ in range(200))
    assert false <= 200 * BUCKETS * 2e-3


def test_nor_do_blocks_whose_buckets_differ_because_few_listeners_make_each() -> None:
    rng, monitors, false = np.random.default_rng(5), Monitors(DriftSettings()), 0
    for at in range(BUCKETS):
        buckets = {of_block(0, group): drawn(rng, at, 0.0, between=0.6) for group in range(150)}
        false += len(list(monitors.read(buckets, 150 * 2e-3)))
    assert false <= 150 * BUCKETS * 2e-3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("prior_streams", [0.0, 20.0])
def test_without_a_change_evidence_is_its_budget_on_average(seed: int, prior_streams: float) -> None:
    rng, prior, none = np.random.default_rng(seed), Prior(prior_streams, 1e9), Usual()
    worth, first = rng.uniform(0.2, 0.6, 10), 3
    means = rng.standard_normal((4_000, 10)) / np.sqrt(worth)
    if prior_streams:  # and the mean itself is drawn from the prior
        means += rng.standard_normal((4_000, 1)) / np.sqrt(prior_streams)
    found = [evidence(none, Read(worth, row, np.ones(10)), prior, 1.0, 0.0, first).by_beginning for row in means]
    average = np.mean(found, axis=0)
    assert np.allclose(average[first:], 1.0 / len(SPREADS), rtol=0.15)  # rare and large values: so seeds are fixed
    assert not average[:first].any()


def test_a_change_of_one_standard_deviation_is_found_within_a_few_buckets() -> None:
    rng = np.random.default_rng(2)
    delays = []
    for _ in range(100):
        after = [bucket - CHANGE_AT for bucket in alarms(rng, -1.5) if bucket >= CHANGE_AT]
        delays.append(after[0] if after else BUCKETS)
    assert np.median(delays) <= 3
    assert np.quantile(delays, 0.9) <= 5


def test_small_blocks_are_left_alone() -> None:
    assert alarms(np.random.default_rng(3), -3.0, streams=1.0) == []


def test_many_streams_of_which_each_hardly_counts_here_are_worth_what_they_tell() -> None:
    some = bucket_of(0, np.zeros(40), share=0.25)
    assert (some.streams, some.worth) == (10.0, 40.0)
    assert BlockBucket(0, 10.0, 10.0, 0.0, 0.0, 0.0).worth == 10.0


def test_what_happened_in_one_bucket_only_is_not_drift() -> None:
    monitor = Monitor(DriftSettings())
    rng = np.random.default_rng(6)
    buckets = [bucket_of(at, rng.normal(-8.0 * (at == CHANGE_AT), 1.5, 20)) for at in range(BUCKETS)]
    assert not [bucket for bucket in buckets if monitor.read(bucket, BUDGET)]


def changes(buckets: list[BlockBucket], places: set[int]) -> list[Change | None]:
    """What a monitor finds that is written down and taken up again before these buckets."""
    monitor_settings = DriftSettings(window_buckets=16)
    monitor, found = Monitor(monitor_settings), []
    for bucket in buckets:
        if bucket.bucket_ms in places:
            row = msgspec.msgpack.encode(monitor.state)
            monitor = Monitor(monitor_settings, state=msgspec.msgpack.decode(row, type=MonitorState))
        found.append(monitor.read(bucket, BUDGET))
        assert len(monitor.state.newest) <= monitor_settings.window_buckets
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 89), max_size=20))
def test_a_monitor_finds_the_same_after_any_crash(seed: int, places: set[int]) -> None:
    rng = np.random.default_rng(seed)
    buckets = [bucket_of(at, rng.normal(-1.0 * (at // 30), 1.5, 20)) for at in range(90)]
    found = changes(buckets, places)
    assert any(found)
    assert found == changes(buckets, set())


def test_monitors_are_restored_from_their_rows() -> None:
    rng, kept = np.random.default_rng(8), Monitors(DriftSettings())
    share = Subject("stream-rate", "a/b")
    for at in range(9):
        bucket = drawn(rng, at, 0.0)
        list(kept.read({of_block(1, 2): bucket, share: bucket}, BUDGET))
    rows = dict(kept.changed_rows())
    again = Monitors(DriftSettings())
    for key, value in rows.items():
        assert value is not None
        again.restore(key, value)
    later = [drawn(rng, at, -3.0) for at in range(CHANGE_AT, BUCKETS)]
    found = [
        list(each.read({of_block(1, 2): bucket, share: bucket}, BUDGET)) for each in (kept, again) for bucket in later
    ]
    assert found[: len(later)] == found[len(later) :]
    assert any(found)


@given(st.integers(0, 2**32), st.integers(0, 12))
def test_evidence_adds_up_over_batches_and_partitions(seed: int, place: int) -> None:
    rng = np.random.default_rng(seed)
    users, cards = rng.dirichlet(np.ones(3), 12), rng.dirichlet(np.ones(2), 12)
    x, expected = rng.normal(6.0, 1.5, (2, 12))
    rows = users, cards, x, expected
    parts = [block_evidence(*(row[:place] for row in rows)), block_evidence(*(row[place:] for row in rows))]
    whole = evidence_sums(evidence_message(block_evidence(*rows)))
    assert np.allclose(whole, sum(evidence_sums(evidence_message(part)) for part in parts), atol=2e-6)
    assert np.isclose(whole[0].sum(), 12.0)
