"""How far event time has come, as events arrive: the slower source decides."""

import numpy as np

from processors.cocluster.arrays import Index
from processors.compiled import compiled
from processors.settlement.book import Book


@compiled
def rise(book: Book, lateness_ms: Index) -> None:
    """Let the watermark follow the slowest source that is not idle; where all are, the newest."""
    slowest_ms, newest_ms, is_any_counted = np.int64(-1), np.int64(-1), False
    for source in range(len(book.clocks)):
        source_ms = book.clocks[source, 0]
        newest_ms = max(newest_ms, source_ms)
        if not book.clocks[source, 2]:
            slowest_ms = min(slowest_ms, source_ms) if is_any_counted else source_ms
            is_any_counted = True
    reached_ms = slowest_ms if is_any_counted else newest_ms
    if reached_ms >= 0:
        totals = book.totals[0]
        totals["watermark_ms"] = max(totals["watermark_ms"], reached_ms - lateness_ms)


@compiled
def observe(book: Book, source: Index, event_ms: Index, lateness_ms: Index) -> None:
    """Take note that a source has delivered an event of this time."""
    clocks = book.clocks
    clocks[source, 1] = 0
    if event_ms > clocks[source, 0] or clocks[source, 2]:
        clocks[source, 0] = max(clocks[source, 0], event_ms)
        clocks[source, 2] = 0
        rise(book, lateness_ms)
