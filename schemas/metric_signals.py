"""Signals of listeners: what settled exposures and their corrections add to sums by listener and window."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, NamedTuple

from msgspec import Meta, Struct

from schemas.fields import Count, EventMs, Identifier, refuse_unless, refuse_unless_identifiers
from schemas.outcomes import LoggedPage
from schemas.rules import Places, Rules, SameLength, obey

SIGNALS = (
    "pages",
    "exposures",
    "played",
    "streamed",
    "played_ms",
    "discovered",
    "exposures_1",
    "streamed_1",
    "exposures_3",
    "streamed_3",
)
"""What is summed, all whole numbers, so that sums are exact in any order.

`pages` with a seen card; `exposures` settled; of these `played` with a stream, `streamed` with 30 s or more, streamed
time `played_ms`, `discovered` of cards that the listener had not streamed recently; the last four count exposures in
the first slot, and in the first three slots, of their shelves. A stream counts for one exposure, as in outcomes.
"""

SignalSum = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""A sum, or a difference: exact in a double, so that a reader in any language adds it up right."""


class SignalRow(NamedTuple):
    """One row: what is added to the sums of a listener in a window, on pages that were logged alike."""

    user_id: str
    window_ms: int
    logged: LoggedPage
    user_group: int
    signals: tuple[int, ...]


class MetricSignals(Struct, frozen=True, kw_only=True, gc=False, tag="metric-signals.v1", tag_field="type"):
    """What one transaction of one partition adds, in columns; a correction adds a difference, which may be negative.

    Row i is about the pages of `user_id[i]` shown in the window of event time that begins at `window_ms[i]`, logged as
    `logged[page[i]]` (its versions are left out), when the listener was in `user_group[i]` of `generation`.
    `signals[s][i]` is what is added to signal `SIGNALS[s]`. Exposures of row `play_row[j]` with a first stream were of
    `play_group[j]` (-1: unknown card) `plays[j]` times. All exposures shown by `settled_until_ms` have settled.

    >>> message = MetricSignals(source="listeners/0", settled_until_ms=9, generation=0, logged=(LoggedPage(),),
    ...     user_id=("u1",), window_ms=(0,), page=(0,), user_group=(2,), signals=((1,),) * len(SIGNALS))
    >>> [(row.user_id, row.logged.surface, row.signals[:2]) for row in message.rows()]
    [('u1', 'home', (1, 1))]
    """

    rules: ClassVar[Rules] = (
        *(SameLength("user_id", name) for name in ("window_ms", "page", "user_group")),
        *(SameLength("play_row", name) for name in ("play_group", "plays")),
        Places("page", "logged"),
        Places("play_row", "user_id"),
    )

    source: Identifier
    settled_until_ms: EventMs
    generation: Count
    logged: tuple[LoggedPage, ...]
    user_id: tuple[Identifier, ...]
    window_ms: tuple[EventMs, ...]
    page: tuple[Count, ...]
    user_group: tuple[Count, ...]
    signals: tuple[tuple[SignalSum, ...], ...]
    play_row: tuple[Count, ...] = ()
    play_group: tuple[int, ...] = ()
    plays: tuple[Count, ...] = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(source=self.source)
        obey(self)
        refuse_unless(len(self.signals) == len(SIGNALS), f"there are {len(self.signals)} signals, not {len(SIGNALS)}")
        refuse_unless(all(len(column) == len(self.user_id) for column in self.signals), "signals differ in length")

    def rows(self) -> Iterator[SignalRow]:
        """Iterate over single rows."""
        whose = zip(self.user_id, self.window_ms, self.page, self.user_group, strict=True)
        for (user_id, window_ms, page, group), signals in zip(whose, zip(*self.signals, strict=True), strict=True):
            yield SignalRow(user_id, window_ms, self.logged[page], group, signals)


class SignalsForgotten(Struct, frozen=True, kw_only=True, gc=False, tag="signals-forgotten.v1", tag_field="type"):
    """A listener is to be forgotten: her sums stay in those of windows, without her name."""

    source: Identifier
    user_id: Identifier


Signalled = MetricSignals | SignalsForgotten
"""Messages of the topic `metric-signals`."""
