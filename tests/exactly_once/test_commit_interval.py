"""How often a task commits: seldom only while what it reads is old and more of it waits, or commits take long."""

import pytest

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.partitions.commit_interval import commit_interval_s

SETTINGS = DriverSettings(bootstrap="x", group="x", commit_interval_ms=150, commit_behind_ms=1_000)


@pytest.mark.parametrize(
    ("age_ms", "is_read_up", "interval_s"),
    [(60_000, False, 1.0), (1_000, False, 1.0), (999, False, 0.15), (60_000, True, 0.15), (-5, False, 0.15)],
)
def test_who_reads_along_commits_at_once_and_who_is_behind_seldom(
    age_ms: int, is_read_up: bool, interval_s: float
) -> None:
    assert commit_interval_s(SETTINGS, 0, 0.0, age_ms, lambda: not is_read_up) == interval_s


@pytest.mark.parametrize(("took_s", "interval_s"), [(0.0, 0.15), (0.06, 0.15), (0.2, 0.4), (0.6, 1.0)])
def test_where_commits_take_long_there_are_fewer(took_s: float, interval_s: float) -> None:
    assert commit_interval_s(SETTINGS, 0, took_s, 0, lambda: False) == interval_s


@pytest.mark.parametrize(("task_ms", "interval_s"), [(0, 0.15), (100, 0.15), (500, 0.5), (5_000, 5.0)])
def test_a_task_that_nobody_waits_for_may_take_longer_and_is_never_slower_because_it_is_behind(
    task_ms: int, interval_s: float
) -> None:
    assert commit_interval_s(SETTINGS, task_ms, 0.0, 0, lambda: False) == interval_s
    assert commit_interval_s(SETTINGS, task_ms, 0.0, 60_000, lambda: True) == max(interval_s, 1.0)
