"""When all exposures of a file have settled; possibly in the future, because event time never passes the clock."""

import time
from collections.abc import Iterable

from msgspec import Struct

from schemas.fields import EVENT_AHEAD_MAX_MS
from streams.replaying.account import Event
from streams.settings import Settings

MINUTE_MS = 60_000


class Closing(Struct, frozen=True, kw_only=True):
    """Everything settles when each partition has seen an event at `event_ms`; `ahead` events will be refused."""

    event_ms: int
    newest_ms: int
    horizon_ms: int
    ahead: int = 0

    def waits_ms(self, now_ms: int) -> int:
        """Time until then."""
        return max(0, self.event_ms - now_ms)

    def said(self, now_ms: int) -> list[str]:
        """Lines to print before anything is sent; empty if everything can settle at once.

        >>> one = Closing(event_ms=2_000_000, newest_ms=140_000, horizon_ms=1_800_000, ahead=2)
        >>> [line[:32] for line in one.said(200_000)], len(one.said(2_000_000))
        (['its newest event is 1.0 min old,', '2 events are more than an hour a'], 1)
        """
        lines = []
        if self.waits_ms(now_ms):
            clock = time.strftime("%H:%M:%S", time.localtime(self.event_ms / 1_000))
            lines.append(
                f"its newest event is {_minutes(now_ms - self.newest_ms)} old, and an exposure settles"
                f" {_minutes(self.horizon_ms)} after it was shown: the last at {clock}, in"
                f" {_minutes(self.waits_ms(now_ms))}; this waits for it (stopped before, run it again: nothing is sent"
                " twice)"
            )
        if self.ahead:
            lines.append(
                f"{self.ahead:,} events are more than an hour ahead of this machine's clock: they are set aside"
            )
        return lines


def closing_of(events: Iterable[Event], settings: Settings, now_ms: int) -> Closing:
    """Computes when the books of these events close, if they are sent now.

    >>> from tests.builders import impression
    >>> closing = closing_of([impression(event_ms=5), impression(event_ms=9_000_000)], Settings(), now_ms=60_000)
    >>> closing.event_ms, closing.ahead, closing.waits_ms(60_000)
    (1920005, 1, 1860005)
    """
    times = [event.event_ms for event in events]
    taken = [event_ms for event_ms in times if event_ms <= now_ms + EVENT_AHEAD_MAX_MS]
    newest_ms, settlement = max(taken, default=0), settings.settlement
    return Closing(
        event_ms=newest_ms + settlement.horizon_ms + 2 * settlement.lateness_ms,
        newest_ms=newest_ms,
        horizon_ms=settlement.horizon_ms,
        ahead=len(times) - len(taken),
    )


def _minutes(length_ms: int) -> str:
    return f"{length_ms / MINUTE_MS:,.1f} min"
