"""Joins streams to the exposures that led to them, and settles every exposure exactly once, in event time.

Theory of operation. An agenda, ordered by event time, holds what becomes due when the watermark reaches it: a stream is
attributed at its end, an exposure settles at its horizon, an impression is dropped at the end of its correction window.
Processing follows the order of the agenda, never that of arrival, so the result does not depend on how events were
shuffled within the allowed lateness, duplicated, or cut into batches and restarts. Events later than the lateness are
processed at once; if they belong to a settled exposure they correct it. When bounds are exceeded, the least recently
active listener is evicted first: its open exposures settle with what is known.

Input are columns (`processors.wire`), output are columns (`Due`); no Python object exists per event, see `book`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
import numpy as np

from processors.arrays import IntArray, Offset
from processors.settlement.book.book import COUNTERS, Book, new_book, with_room
from processors.settlement.book.compaction import compacted
from processors.settlement.book.growing import grown
from processors.settlement.book.layout import HASH_AHEAD
from processors.settlement.book.names import names_from
from processors.settlement.book.page import bytes_of_pages
from processors.settlement.book.stream_text import bytes_of_streams
from processors.settlement.output.due import Due, nothing_due
from processors.settlement.output.waiting import Waiting, waiting_listeners
from processors.settlement.rules.advance import advance
from processors.settlement.rules.arrivals import take_impressions, take_stream_ends
from processors.settlement.rules.forgetting import forget
from processors.settlement.rules.limits import Limits
from processors.settlement.rules.unsettled import unsettled_count
from processors.settlement.rules.watermark import Watermark
from processors.settlement.settings import SettlementSettings
from processors.wire.batch import joined
from processors.wire.impressions import ImpressionColumns, impressions_of
from processors.wire.stream_ends import StreamEndColumns, stream_ends_of
from schemas.fields import EVENT_MS_MAX
from schemas.impressions import Impression
from schemas.stream_ends import StreamEvent

DUE_ROOM = 1_024


class Settlement:
    """Settlement of one partition: add events, `advance`, then fetch what is due.

    >>> from tests.builders import impression, stream_end
    >>> settlement = Settlement(SettlementSettings(horizon_ms=100, correction_ms=500, lateness_ms=0))
    >>> settlement.arrive_impressions([(0, impression(event_ms=0, cards=("c1", "c2")))])
    >>> settlement.arrive_streams([(0, stream_end(card_id="c2", started_ms=5, event_ms=40, played_ms=35))])
    >>> settlement.arrive_impressions([(1, impression(event_id="later", event_ms=200))])
    >>> settlement.arrive_streams([(1, stream_end(event_id="later", event_ms=200))])
    >>> due = settlement.hand_over(); due.pages["settled_ms"].tolist(), due.exposures["played_ms"].tolist()
    ([100], [0, 35])
    """

    def __init__(self, settings: SettlementSettings) -> None:
        self.settings = settings
        self.watermark = Watermark(settings.lateness_ms, settings.idle_ms)
        self.book: Book = new_book()
        self.limits = Limits(
            horizon_ms=settings.horizon_ms,
            attribution_ms=settings.attribution_ms,
            correction_ms=settings.correction_ms,
            lateness_ms=settings.lateness_ms,
            plays_max=settings.plays_max,
            listeners_max=settings.listeners_max,
            exposures_max=settings.exposures_max,
            listener_bytes_max=settings.listener_bytes_max,
            longest_only=settings.longest_only,
        )
        self.dead_letters: Counter[str] = Counter()
        self.ranked_touches = 0  # listeners touched since then wait for a page
        self.surfaces: set[str] = set()  # all surfaces ever ranked, also under earlier settings
        self.written: tuple[dict[str, int], int] = ({}, 0)
        self._due, self._handed_over = (nothing_due(DUE_ROOM, settings.plays_max) for _ in range(2))
        self._card_names: list[str] = []
        self.may_compact: Callable[[], bool] = lambda: True

    @property
    def counters(self) -> Counter[str]:
        """The counters by name."""
        counted = zip(COUNTERS, self.book.counters.tolist(), strict=True)
        return Counter({name: count for name, count in counted if count}) + self.dead_letters

    @property
    def touches(self) -> int:
        """Number of touches so far, over all listeners."""
        return int(self.book.totals["touches"][0])

    @property
    def listeners_count(self) -> int:
        """Number of known listeners."""
        return int(self.book.totals["listeners"][0])

    @property
    def exposures_open(self) -> int:
        """Number of exposures kept, settled or not."""
        return int(self.book.totals["exposures_open"][0])

    @property
    def exposures_unsettled(self) -> int:
        """Number of exposures not yet settled; counted in one pass over the agenda, so do not call it often."""
        return unsettled_count(self.book)

    @property
    def is_due(self) -> bool:
        """Whether anything is due that has not been handed over."""
        return bool(self._due.counts.any())

    @property
    def watermark_ms(self) -> int:
        """The watermark; -1 before the first event."""
        return self.watermark.value_ms(self.book)

    @property
    def settled_until_ms(self) -> int:
        """All exposures shown by then have settled, under this horizon or an earlier one; -1 at first."""
        return max(int(self.book.totals["settled_until_ms"][0]), self.watermark_ms - self.settings.horizon_ms)

    def take_impressions(
        self, columns: ImpressionColumns, offsets: IntArray, clock_ms: IntArray | None = None, groups: int = 0
    ) -> None:
        """Add impressions; `offsets` are the offsets of their records.

        With `groups`, room is reserved in each for a soft group of that many weights (`page_groups`). `clock_ms` has
        for each record the time of a clock that its sender does not control: event time never advances beyond it.
        Without it, the events' times are trusted.
        """
        count, text = len(columns.event_ms), bytes_of_pages(columns, groups) + _bytes_of(columns.user_id)
        self.book = with_room(self.book, listeners=count, impressions=count, exposures=len(columns.row), text=text)
        take_impressions(self.book, columns, offsets, _clock(offsets, clock_ms), self.limits, groups)

    def take_stream_ends(self, columns: StreamEndColumns, offsets: IntArray, clock_ms: IntArray | None = None) -> None:
        """Add stream-ends; `offsets` and `clock_ms` are as for impressions."""
        clock_ms = _clock(offsets, clock_ms)
        count, text = len(columns.event_ms), bytes_of_streams(columns) + _bytes_of(columns.user_id)
        self.book = with_room(self.book, listeners=count, streams=count, text=text)
        taken = take_stream_ends(self.book, columns, offsets, clock_ms, self.limits, 0)
        while taken < count:
            self.book = self.book._replace(plays=grown(self.book.plays, len(self.book.plays) + 1))
            taken = take_stream_ends(self.book, columns, offsets, clock_ms, self.limits, taken)

    def arrive_impressions(
        self, arrivals: Iterable[tuple[int, Impression]], clock_ms: Sequence[int] | None = None
    ) -> None:
        """Add impressions with their offsets; `clock_ms` has one time for each."""
        arrivals = list(arrivals)
        offsets = np.array([offset for offset, _ in arrivals], dtype=np.int64)
        clock = None if clock_ms is None else np.array(clock_ms, dtype=np.int64)
        self.take_impressions(impressions_of([message for _, message in arrivals]), offsets, clock)

    def arrive_streams(
        self, arrivals: Iterable[tuple[int, StreamEvent]], clock_ms: Sequence[int] | None = None
    ) -> None:
        """Add stream-ends with their offsets; `clock_ms` has one time for each."""
        arrivals = list(arrivals)
        offsets = np.array([offset for offset, _ in arrivals], dtype=np.int64)
        clock = None if clock_ms is None else np.array(clock_ms, dtype=np.int64)
        self.take_stream_ends(stream_ends_of([message for _, message in arrivals]), offsets, clock)

    def forget(self, user_id: str) -> None:
        """Erase a listener with all open exposures and pending streams, without outcomes."""
        name = msgspec.json.encode(user_id)[1:-1]
        self.book = with_room(self.book)
        forget(self.book, joined([name, bytes(HASH_AHEAD)]), Offset(0), Offset(len(name)))

    def follow(self, watermark_ms: int | None) -> None:
        """Settle nothing that another partition has not reached, from which events still come; None: no longer."""
        self.watermark.follow(self.book, watermark_ms)

    def pass_by(self, source: str, event_ms: int) -> None:
        """Let an event of another partition's listener advance event time, as the topic's other events do."""
        self.watermark.pass_by(self.book, source, event_ms)

    @property
    def is_idle(self) -> bool:
        """Whether no source has had an event for `idle_ms`."""
        return self.watermark.is_idle(self.book)

    def tick(self, wall_ms: int, behind: Collection[str] = ()) -> None:
        """Pass on the wall clock, and the sources with records that have not been read yet."""
        self.watermark.tick(self.book, wall_ms, behind)

    def advance(self) -> None:
        """Process the agenda up to the watermark, then evict what exceeds the limits."""
        self.book = with_room(self.book)
        while not advance(self.book, self._due, self.limits):
            self._due = self._due.larger()

    def hand_over(self) -> Due:
        """Everything that became due since the last call; valid until the next call, or until rows are written.

        Two buffers alternate: allocating fresh memory costs more than filling it.
        """
        self.advance()
        self._due, self._handed_over = self._handed_over, self._due
        self._due.counts[:] = 0
        return self._handed_over.trimmed()

    def waiting(self) -> Waiting:
        """The listeners who wait for a page, in order of their last touch; clears the list."""
        self.ranked_touches = self.touches
        return waiting_listeners(self.book, self.settings.plays_max)

    def card_names(self) -> list[str]:
        """Names of the cards by number; append-only between two compactions."""
        if len(self._card_names) < self.book.cards.counts[0]:
            self._card_names += names_from(self.book.cards, len(self._card_names))
        return self._card_names

    def adopt_counters(self, counters: dict[str, int]) -> None:
        """Continue counting from these values."""
        self.book.counters[:] = [counters.get(name, 0) for name in COUNTERS]
        self.dead_letters = Counter({name: count for name, count in counters.items() if name not in COUNTERS})

    def compact(self) -> None:
        """Free the memory of dropped records, if `may_compact`; not while something is due, to keep its spans valid."""
        if self.is_due or not self.may_compact():
            return
        before, self.book = self.book, compacted(self.book)
        if self.book.cards is not before.cards:
            self._card_names = []


def _clock(offsets: IntArray, clock_ms: IntArray | None) -> IntArray:
    if clock_ms is None:
        return np.full(len(offsets), EVENT_MS_MAX, dtype=np.int64)
    return np.ascontiguousarray(clock_ms, dtype=np.int64)


def _bytes_of(spans: IntArray) -> int:
    return int((spans[:, 1] - spans[:, 0]).sum())
