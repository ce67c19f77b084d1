"""Drift: rates of false alarms and delays, measured; the bounds are wide of what was measured."""

import numpy as np

from processors.drift.block_monitor import BlockMonitor, BucketMean
from processors.drift.settings import DriftSettings

BUCKETS, CHANGE_AT = 60, 30


def alarms(rng: np.random.Generator, shift: float, streams: float = 12.0) -> list[int]:
    monitor = BlockMonitor(DriftSettings())
    found = []
    for bucket in range(BUCKETS):
        count = int(rng.poisson(streams)) + 1
        x = rng.normal(shift * (bucket >= CHANGE_AT), 1.5, count)
        if monitor.read(BucketMean(bucket, float(count), float(x.mean()), float(x.var()))):
            found.append(bucket)
    return found


def test_blocks_that_do_not_change_hardly_ever_alarm() -> None:
    rng = np.random.default_rng(1)
    false = sum(len(alarms(rng, 0.0)) for _ in range(200))
    assert false <= 4, f"{false} false alarms in 200 blocks of {BUCKETS} buckets"


def test_a_change_of_one_standard_deviation_is_found_within_a_few_buckets() -> None:
    rng = np.random.default_rng(2)
    delays = []
    for _ in range(100):
        after = [bucket - CHANGE_AT for bucket in alarms(rng, -1.5) if bucket >= CHANGE_AT]
        delays.append(after[0] if after else BUCKETS)
    assert np.median(delays) <= 5
    assert np.quantile(delays, 0.9) <= 9


def test_small_blocks_are_left_alone() -> None:
    assert alarms(np.random.default_rng(3), -3.0, streams=1.0) == []


def test_reading_the_history_again_gives_the_same_detectors() -> None:
    rng = np.random.default_rng(4)
    one, settings = BlockMonitor(DriftSettings()), DriftSettings()
    for bucket in range(200):
        again = BlockMonitor(settings)
        again.restore(one.history)
        mean = BucketMean(bucket, 20.0, float(rng.normal(0.0, 0.4) - 0.02 * bucket), 1.0)
        assert one.read(mean) == again.read(mean)
