"""The watermark: event time of the slowest source, less the allowed lateness."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np

from processors.arrays import Index
from processors.compiled import borrowing
from processors.settlement.book.book import FOLLOWED, Book

TICK_GAP_MAX_MS = 1_000
"""Longer gaps between ticks are pauses of this process, and do not count as silence of a source."""

SOURCES = ("impressions", "stream-ends")


class Watermark:
    """The event time up to which all events are assumed to have arrived; it never decreases.

    Both sources count, even before their first event, until a source has been silent for `idle_ms` of the wall clock
    passed to `tick`. If both are idle, the newest event of either counts. The value is kept in the book, because
    arriving events advance it.

    >>> from processors.settlement.book.book import new_book
    >>> book = new_book(); watermark = Watermark(lateness_ms=10, idle_ms=900)
    >>> observe(book, 0, 500, 10); watermark.value_ms(book)
    -1
    >>> observe(book, 1, 300, 10); watermark.value_ms(book)
    290
    >>> watermark.tick(book, 0); observe(book, 0, 600, 10); watermark.tick(book, 500); watermark.value_ms(book)
    290
    >>> watermark.tick(book, 900); watermark.value_ms(book)
    590
    """

    def __init__(self, lateness_ms: int, idle_ms: int) -> None:
        self.lateness_ms = lateness_ms
        self.idle_ms = idle_ms
        self._wall_ms = -1

    @staticmethod
    def value_ms(book: Book) -> int:
        """The watermark; -1 before there is one."""
        return int(book.totals["watermark_ms"][0])

    def tick(self, book: Book, wall_ms: int, behind: Collection[str] = ()) -> None:
        """Pass on the wall clock; a source that has been silent too long becomes idle.

        A source in `behind` has records that have not been read yet: it is not silent.
        """
        gap_ms = min(max(0, wall_ms - self._wall_ms), TICK_GAP_MAX_MS) if self._wall_ms >= 0 else 0
        self._wall_ms = wall_ms
        for clock, source in zip(book.clocks, SOURCES, strict=False):
            clock[1] = 0 if source in behind else clock[1] + gap_ms
            clock[2] = clock[1] >= self.idle_ms
        rise(book, self.lateness_ms)

    def follow(self, book: Book, watermark_ms: int | None) -> None:
        """Do not rise above the watermark of another partition, from which events still come; None: no longer.

        >>> from processors.settlement.book.book import new_book
        >>> book = new_book(); watermark = Watermark(lateness_ms=10, idle_ms=900)
        >>> watermark.follow(book, 40); observe(book, 0, 500, 10); observe(book, 1, 300, 10); watermark.value_ms(book)
        40
        >>> watermark.follow(book, None); watermark.value_ms(book)
        290
        """
        clock = book.clocks[FOLLOWED]
        clock[2] = watermark_ms is None
        if watermark_ms is not None:
            clock[0] = watermark_ms + self.lateness_ms if watermark_ms >= 0 else -1
        rise(book, self.lateness_ms)

    def pass_by(self, book: Book, source: str, event_ms: int) -> None:
        """Record the arrival of an event that belongs to another partition: it counts for the time, and is not kept."""
        clock = book.clocks[SOURCES.index(source)]
        clock[0], clock[1], clock[2] = max(int(clock[0]), event_ms), 0, 0
        rise(book, self.lateness_ms)

    @contextmanager
    def standing(self, book: Book) -> Iterator[None]:
        """Stand still while events of other partitions arrive: how far the own sources are does not follow from them.

        >>> from processors.settlement.book.book import new_book
        >>> book = new_book(); watermark = Watermark(lateness_ms=10, idle_ms=900)
        >>> observe(book, 0, 200, 10); observe(book, 1, 300, 10)
        >>> with watermark.standing(book):
        ...     observe(book, 0, 250, 10)
        >>> watermark.value_ms(book), book.clocks[:, 0].tolist()
        (190, [200, 300, -1])
        """
        clocks = book.clocks.copy()
        book.clocks[FOLLOWED] = -1, 0, 0
        yield
        book.clocks[:] = clocks

    @staticmethod
    def is_idle(book: Book) -> bool:
        """Whether all sources are idle."""
        return bool(book.clocks[: len(SOURCES), 2].all())


@borrowing
def rise(book: Book, lateness_ms: Index) -> None:
    """Advance the watermark to the slowest source that is not idle; if all are idle, to the newest event."""
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


@borrowing
def observe(book: Book, source: Index, event_ms: Index, lateness_ms: Index) -> None:
    """Record the arrival of an event of this time from a source."""
    clocks = book.clocks
    clocks[source, 1] = 0
    if event_ms > clocks[source, 0] or clocks[source, 2]:
        clocks[source, 0] = max(clocks[source, 0], event_ms)
        clocks[source, 2] = 0
        rise(book, lateness_ms)
