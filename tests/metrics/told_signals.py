"""Signals of planted listeners, as messages."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.metric_signals import SIGNALS, MetricSignals
from schemas.outcomes import LoggedPage


class Told(NamedTuple):
    """One row, in short."""

    user_id: str
    window_ms: int = 0
    variant: str = "default"
    assignments: str = ""
    surface: str = "home"
    group: int = 0
    pages: int = 1
    exposures: int = 4
    played: int = 0
    streamed: int = 0
    played_ms: int = 0
    discovered: int = 0


def signals(rows: Iterable[Told], *, source: str = "listeners/0", settled_ms: int = 0) -> MetricSignals:
    """The message with these rows; the first slots of shelves have a quarter of everything, and the first three all."""
    rows = list(rows)
    logged = sorted({_logged(row) for row in rows})
    return MetricSignals(
        source=source,
        settled_until_ms=settled_ms,
        generation=0,
        logged=tuple(logged),
        user_id=tuple(row.user_id for row in rows),
        window_ms=tuple(row.window_ms for row in rows),
        page=tuple(logged.index(_logged(row)) for row in rows),
        user_group=tuple(row.group for row in rows),
        signals=tuple(zip(*map(_signals, rows), strict=True)) or ((),) * len(SIGNALS),
        play_row=tuple(number for number, row in enumerate(rows) if row.played > 0),
        play_group=tuple(row.group for row in rows if row.played > 0),
        plays=tuple(row.played for row in rows if row.played > 0),
    )


def _logged(row: Told) -> LoggedPage:
    return LoggedPage(surface=row.surface, variant=row.variant, assignments=row.assignments)


def _signals(row: Told) -> Sequence[int]:
    return (
        row.pages,
        row.exposures,
        row.played,
        row.streamed,
        row.played_ms,
        row.discovered,
        row.exposures // 4,
        row.streamed // 4,
        row.exposures,
        row.streamed,
    )
