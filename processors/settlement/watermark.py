"""How far event time has come: the slowest source decides, less the allowed lateness."""

from collections.abc import Collection

from msgspec import Struct

TICK_GAP_MAX_MS = 1_000
"""Longer gaps between ticks are our own standing still: they say nothing of how silent a source is."""


class SourceClock(Struct, array_like=True):
    """What one source has shown of the time, and for how long it has been silent."""

    newest_ms: int = -1
    silent_ms: int = 0
    idle: bool = False


class Watermark(Struct):
    """The event time up to which all events are taken to have arrived; it never goes back.

    Every source counts, also one that has said nothing yet, until it has been silent for `idle_ms` of the wall clock
    that `tick` hands in. Where all are silent the newest of them decides.

    >>> watermark = Watermark(lateness_ms=10, idle_ms=900, clocks={"a": SourceClock(), "b": SourceClock()})
    >>> watermark.observe("a", 500); watermark.value_ms
    -1
    >>> watermark.observe("b", 300); watermark.value_ms
    290
    >>> watermark.tick(0); watermark.observe("a", 600); watermark.tick(500); watermark.value_ms
    290
    >>> watermark.tick(900); watermark.value_ms
    590
    """

    lateness_ms: int
    idle_ms: int
    clocks: dict[str, SourceClock]
    value_ms: int = -1
    wall_ms: int = -1

    def observe(self, source: str, newest_ms: int) -> None:
        """Take note that `source` has delivered an event of `newest_ms`."""
        clock = self.clocks[source]
        clock.silent_ms = 0
        if newest_ms > clock.newest_ms or clock.idle:
            clock.newest_ms = max(clock.newest_ms, newest_ms)
            clock.idle = False
            self._rise()

    def tick(self, wall_ms: int, behind: Collection[str] = ()) -> None:
        """Take note of the wall clock: sources that have been silent too long stop counting.

        A source in `behind` has more to say that has not been read yet: it is not silent, we are slow.
        """
        gap_ms = min(max(0, wall_ms - self.wall_ms), TICK_GAP_MAX_MS) if self.wall_ms >= 0 else 0
        self.wall_ms = wall_ms
        for source, clock in self.clocks.items():
            clock.silent_ms = 0 if source in behind else clock.silent_ms + gap_ms
            clock.idle = clock.silent_ms >= self.idle_ms
        self._rise()

    def _rise(self) -> None:
        slowest_ms, newest_ms, is_any_counted = -1, -1, False
        for clock in self.clocks.values():
            newest_ms = max(newest_ms, clock.newest_ms)
            if not clock.idle:
                slowest_ms = min(slowest_ms, clock.newest_ms) if is_any_counted else clock.newest_ms
                is_any_counted = True
        reached_ms = slowest_ms if is_any_counted else newest_ms
        if reached_ms >= 0:
            self.value_ms = max(self.value_ms, reached_ms - self.lateness_ms)
