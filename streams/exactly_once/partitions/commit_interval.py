"""How often a task commits."""

from collections.abc import Callable

from streams.exactly_once.driver_settings import DriverSettings

COMMIT_SHARE = 0.5
"""Maximum share of time spent on commits: each has a fixed price, so slow commits are made less often."""


def commit_interval_s(
    settings: DriverSettings, task_ms: int, took_s: float, age_ms: int, is_behind: Callable[[], bool]
) -> float:
    """Interval to the next commit of a task with this minimum of its own, after one that took ``took_s``.

    Up to ``commit_behind_ms`` if commits are slow, or if the newest record read is of that age and more is waiting:
    then larger transactions are cheaper, and the delay is invisible.
    """
    interval_ms = max(settings.commit_interval_ms, task_ms)
    behind_ms = max(settings.commit_behind_ms, interval_ms)
    if age_ms >= behind_ms and is_behind():
        return behind_ms / 1000
    return min(max(interval_ms / 1000, took_s / COMMIT_SHARE), behind_ms / 1000)
