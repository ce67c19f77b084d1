"""Drift: rates of false alarms and delays, measured; the bounds are wide of what was measured."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.drift.block_monitor import BlockMonitor, Change, MonitorState
from processors.drift.evidence import block_evidence, evidence_message, evidence_sums
from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket

BUCKETS, CHANGE_AT = 60, 30


def bucket_of(at: int, residual: np.ndarray, share: float = 1.0) -> BlockBucket:
    """Streams [n] that count in this block by so much each."""
    shares = np.full(len(residual), share)
    sums = block_evidence(shares[:, None], np.ones((len(residual), 1)), residual + 6.0, np.full(len(residual), 6.0))
    return BlockBucket(at, *sums[:, 0, 0].tolist())


def alarms(rng: np.random.Generator, shift: float, streams: float = 12.0, between: float = 0.0) -> list[int]:
    monitor = BlockMonitor(DriftSettings())
    found = []
    for bucket in range(BUCKETS):
        mean = shift * (bucket >= CHANGE_AT) + between * rng.standard_normal()
        x = rng.normal(mean, 1.5, int(rng.poisson(streams)) + 1)
        if monitor.read(bucket_of(bucket, x)):
            found.append(bucket)
    return found


def test_blocks_that_do_not_change_hardly_ever_alarm() -> None:
    rng = np.random.default_rng(1)
    false = sum(len(alarms(rng, 0.0)) for _ in range(200))
    assert false <= 3, f"{false} false alarms in 200 blocks of {BUCKETS} buckets"


def test_nor_do_blocks_whose_buckets_differ_because_few_listeners_make_each() -> None:
    rng = np.random.default_rng(5)
    false = sum(len(alarms(rng, 0.0, between=0.6)) for _ in range(200))
    assert false <= 8, f"{false} false alarms in 200 blocks of {BUCKETS} buckets"


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
    monitor = BlockMonitor(DriftSettings())
    rng = np.random.default_rng(6)
    buckets = [bucket_of(at, rng.normal(-8.0 * (at == CHANGE_AT), 1.5, 20)) for at in range(BUCKETS)]
    assert not [bucket for bucket in buckets if monitor.read(bucket)]


def changes(buckets: list[BlockBucket], places: set[int]) -> list[Change | None]:
    """What a monitor finds that is written down and taken up again before these buckets."""
    monitor_settings = DriftSettings(memory_buckets=16)
    monitor, found = BlockMonitor(monitor_settings), []
    for bucket in buckets:
        if bucket.bucket_ms in places:
            row = msgspec.msgpack.encode(monitor.state)
            monitor = BlockMonitor(monitor_settings, msgspec.msgpack.decode(row, type=MonitorState))
        found.append(monitor.read(bucket))
        assert len(monitor.state.values) <= monitor_settings.memory_buckets
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 89), max_size=20))
def test_a_monitor_finds_the_same_after_any_crash(seed: int, places: set[int]) -> None:
    rng = np.random.default_rng(seed)
    buckets = [bucket_of(at, rng.normal(-1.0 * (at // 30), 1.5, 20)) for at in range(90)]
    found = changes(buckets, places)
    assert any(found)
    assert found == changes(buckets, set())


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
