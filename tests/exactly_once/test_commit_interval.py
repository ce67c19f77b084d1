"""How often a task commits: seldom only while what it reads is old and more of it waits, or commits take long."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.partitions.owned_partition import OwnedPartition
from streams.exactly_once.task import TaskSpec

NOW_MS = 1_700_000_000_000
SPEC = TaskSpec(name="sums", inputs=("payments",), state_topic="sums-state", make=lambda _: cast("Any", None))


def partition(*, is_read_up: bool) -> OwnedPartition:
    around = SimpleNamespace(
        settings=DriverSettings(bootstrap="x", group="x", commit_interval_ms=150, commit_behind_ms=1_000),
        clock_ms=lambda: NOW_MS,
        feed=SimpleNamespace(is_read_up=lambda _: is_read_up),
        step=None,
    )
    return OwnedPartition(SPEC, 0, cast("Any", around))


@pytest.mark.parametrize(
    ("age_ms", "is_read_up", "interval_s"),
    [(60_000, False, 1.0), (1_000, False, 1.0), (999, False, 0.15), (60_000, True, 0.15), (-5, False, 0.15)],
)
def test_who_reads_along_commits_at_once_and_who_is_behind_seldom(
    age_ms: int, is_read_up: bool, interval_s: float
) -> None:
    owned = partition(is_read_up=is_read_up)
    owned.read_ms = NOW_MS - age_ms
    assert owned.commit_interval_s(0.0) == interval_s


@pytest.mark.parametrize(("took_s", "interval_s"), [(0.0, 0.15), (0.03, 0.15), (0.1, 0.4), (0.3, 1.0)])
def test_where_commits_take_long_there_are_fewer(took_s: float, interval_s: float) -> None:
    assert partition(is_read_up=True).commit_interval_s(took_s) == interval_s
