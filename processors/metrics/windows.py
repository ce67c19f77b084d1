"""Metrics of windows and days: sums over listeners by surface, arm and user group, with errors over listeners."""

from collections.abc import Iterable, Iterator
from math import exp, log
from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.metrics.cells import Cells, Columns, Kind
from processors.metrics.listener_ratios import ratio_of
from processors.metrics.metric_table import METRICS
from processors.metrics.metrics_settings import MetricsSettings
from processors.metrics.populations import Days, listener_sums
from schemas.experiments import assigned
from schemas.metric_windows import MetricValue, MetricWindow, WindowKind
from schemas.variant_names import ALL_VARIANTS, in_metrics

Arm = tuple[str, str, str, int, int]
"""Surface, experiment, variant, generation and user group (-1: all) of a message."""


class Asked(NamedTuple):
    """Which window or day."""

    kind: WindowKind
    begin_ms: int
    length_ms: int


def arms_of(kind: Kind) -> Iterator[Arm]:
    """The messages that count pages of a kind.

    >>> from schemas.outcomes import LoggedPage
    >>> [arm[1:3] for arm in arms_of(Kind(LoggedPage(variant="a"), 1, 2))]
    [('', 'all'), ('', 'all'), ('', 'a'), ('', 'a')]
    """
    logged = kind.logged
    pairs = [
        ("", ALL_VARIANTS),
        ("", in_metrics(logged.variant)),
        *sorted(assigned(logged.assignments).items()),
    ]
    for experiment, variant in pairs:
        yield logged.surface, experiment, variant, 0, -1
        yield logged.surface, experiment, variant, kind.generation, kind.user_group


def windows_of(
    cells: Cells, settings: MetricsSettings, asked: Iterable[Asked], settled_until_ms: int, signal_count: int
) -> Iterator[MetricWindow]:
    """The messages of these windows and days."""
    columns = cells.columns()
    kinds: dict[Arm, set[int]] = {}
    for number, kind in cells.kinds().items():
        for arm in arms_of(kind):
            kinds.setdefault(arm, set()).add(number)
    days = Days(settings.day_ms, settled_until_ms)
    for one in asked:
        next_day_ms = one.begin_ms + one.length_ms + (settings.day_ms if one.kind == "day" else 0)
        within = (columns.window_ms >= one.begin_ms) & (columns.window_ms < next_day_ms)
        part = columns.some(within)
        for arm in sorted(kinds):
            found = _window(cells, settings, one, part, arm, kinds[arm], days, signal_count)
            if found is not None:
                yield found


def _window(
    cells: Cells, settings: MetricsSettings, asked: Asked, part: Columns, arm: Arm, kinds: set[int], days: Days,
    signal_count: int,
) -> MetricWindow | None:  # fmt: skip
    surface, experiment, variant, generation, group = arm
    is_own = np.isin(part.kind, list(kinds)) & (part.window_ms < asked.begin_ms + asked.length_ms)
    if not is_own.any():
        return None
    users, owner = np.unique(part.user[is_own], return_inverse=True)
    every = _of_users(part, users) if asked.kind == "day" else None
    unit = days if asked.kind == "day" else Days(asked.length_ms, 0)
    sums = listener_sums(part.some(is_own), owner, len(users), unit, every)
    metrics = []
    for name, metric in METRICS.items():
        top, bottom = metric.terms(sums)
        ratio = ratio_of(top, bottom)
        if ratio is None:
            metrics.append(MetricValue(metric=name, value=None))
        elif ratio.listeners < 2:
            metrics.append(MetricValue(metric=name, value=ratio.value))
        else:
            low, high = ratio.interval()
            metrics.append(MetricValue(metric=name, value=ratio.value, standard_error=ratio.error, low=low, high=high))
    windows = set(np.unique(part.window_ms[is_own]).tolist())
    plays = cells.plays_of(windows, kinds)
    return MetricWindow(
        surface=surface,
        experiment=experiment,
        variant=variant,
        generation=generation,
        user_group=group,
        kind=asked.kind,
        window_ms=asked.begin_ms,
        window_length_ms=asked.length_ms,
        is_settled=asked.begin_ms + asked.length_ms <= days.settled_until_ms,
        listeners=len(users),
        sums=tuple(sums.signals.sum(axis=0).tolist()),
        plays_by_group=plays,
        diversity=diversity_of(plays.values()),
        success=settings.success_of(surface),
        metrics=tuple(metrics),
        signal_count=signal_count,
    )


def diversity_of(plays: Iterable[int]) -> float | None:
    """The effective number of card groups that were played; None without plays.

    >>> diversity_of([5, 5]), diversity_of([3, 0]), diversity_of([])
    (2.0, 1.0, None)
    """
    shares = [count for count in plays if count > 0]
    total = sum(shares)
    return round(exp(-sum(one / total * log(one / total) for one in shares)), 12) if total else None


def _of_users(part: Columns, users: IntArray) -> tuple[Columns, IntArray]:
    """What the listeners of a day did on it and on the next, in any arm of any surface, with their places."""
    place = np.searchsorted(users, part.user)
    known = np.flatnonzero((place < len(users)) & (users[np.minimum(place, len(users) - 1)] == part.user))
    return part.some(known), place[known]
