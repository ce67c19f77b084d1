"""Settlement told plainly, an object an event: what the compiled one must agree with, fact by fact."""

from bisect import bisect_right, insort
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable
from heapq import heappop, heappush
from itertools import repeat
from operator import attrgetter

from msgspec import Struct

from processors.settlement.settings import SettlementSettings
from schemas.fields import EVENT_MS_MAX
from schemas.impressions import Impression
from schemas.outcomes import LoggedPage
from schemas.stream_ends import StreamEnd, StreamEvent, StreamPlaying

TICK_GAP_MAX_MS = 1_000
"""Longer gaps between ticks are our own standing still: they say nothing of how silent a source is."""


class SourceClock(Struct, array_like=True):
    """What one source has shown of the time, and for how long it has been silent."""

    newest_ms: int = -1
    silent_ms: int = 0
    idle: bool = False


class Watermark(Struct):
    """The event time up to which all events are taken to have arrived; it never goes back."""

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


class Play(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One stream of a listener, ordered by when it ended."""

    event_ms: int
    event_id: str
    card_id: str
    played_ms: int


_ended_ms = attrgetter("event_ms")


class OpenImpression(Struct, array_like=True):
    """The seen slots of one impression, in columns, and what has been streamed of each."""

    impression_id: str
    shown_ms: int
    logged: tuple[str, ...]  # the fields of `LoggedPage`
    shelves: list[str]
    rows: list[int]
    slots: list[int]
    cards: list[str]
    propensities: list[float]
    orders: list[tuple[float, float | None, float | None]]  # the values `ORDER`
    played_ms: list[int]
    streams: list[int]
    settled: bool = False

    @property
    def variant(self) -> str:
        """Arm of a test in which it was shown."""
        return self.logged[LoggedPage.__struct_fields__.index("variant")]

    @classmethod
    def of(cls, impression: Impression) -> "OpenImpression":
        """Keep of an impression what its outcomes need."""
        shelves: list[str] = []
        rows: list[int] = []
        slots: list[int] = []
        cards: list[str] = []
        propensities: list[float] = []
        orders: list[tuple[float, float | None, float | None]] = []
        for row, shelf in enumerate(impression.shelves):
            seen = shelf.seen
            if seen:
                shelves += repeat(shelf.shelf_id, len(seen))
                rows += repeat(row, len(seen))
                slots += seen
                cards += map(shelf.cards.__getitem__, seen)
                propensities += map(shelf.propensities.__getitem__, seen)
                logs = shelf.order_log_propensities or (None,) * len(shelf.cards)
                orders += [(shelf.propensity, logs[slot], shelf.row_log_propensity) for slot in seen]
        return cls(
            impression_id=impression.event_id,
            shown_ms=impression.event_ms,
            logged=tuple(getattr(impression, name) for name in LoggedPage.__struct_fields__),
            shelves=shelves,
            rows=rows,
            slots=slots,
            cards=cards,
            propensities=propensities,
            orders=orders,
            played_ms=[0] * len(cards),
            streams=[0] * len(cards),
        )


class Listener(Struct):
    """One listener of one partition. `event_count` numbers the rankings: it counts the accepted events.

    `plays` is sorted, and never shortened. `offsets` are those of the last accepted event of each source.
    """

    user_id: str
    touch: int = 0
    event_count: int = 0
    newest_ms: int = 0
    offsets: dict[str, int] = {}
    plays: list[Play] = []
    pending: dict[str, StreamEvent] = {}
    heard: dict[tuple[str, str, int], int] = {}  # by stream, the longest time that an exposure has been given
    stream_ids: dict[str, int] = {}
    impressions: dict[str, OpenImpression] = {}

    def plays_until(self, event_ms: int, limit: int) -> list[Play]:
        """The newest `limit` plays that had ended by `event_ms`."""
        end = self._ended_by(event_ms)
        return self.plays[max(0, end - limit) : end]

    def add_play(self, stream: StreamEnd) -> None:
        """Insert a stream into the plays, in the order of event time."""
        insort(self.plays, Play(stream.event_ms, stream.event_id, stream.card_id, stream.played_ms))

    def _ended_by(self, event_ms: int) -> int:
        """How many of the plays had ended by then: for who reads along nearly always all."""
        plays = self.plays
        if not plays or plays[-1].event_ms <= event_ms:
            return len(plays)
        return bisect_right(plays, event_ms, key=_ended_ms)

    def exposure_of(self, stream: StreamEvent, attribution_ms: int) -> tuple[OpenImpression, int] | None:
        """The exposure that led to a stream: the one it names, else the newest of its card before it began.

        A named impression that was shown after the stream had ended led to nothing.
        """
        if stream.impression_id is not None:
            named = self.impressions.get(stream.impression_id)
            if named is not None and named.shown_ms <= stream.event_ms and stream.card_id in named.cards:
                return named, named.cards.index(stream.card_id)
            return None
        candidates = [
            impression
            for impression in self.impressions.values()
            if 0 <= stream.started_ms - impression.shown_ms <= attribution_ms and stream.card_id in impression.cards
        ]
        if not candidates:
            return None
        newest = max(candidates, key=lambda impression: (impression.shown_ms, impression.impression_id))
        return newest, newest.cards.index(stream.card_id)


class SettledImpression(Struct, frozen=True):
    """All exposures of one impression have reached their horizon; `plays` is what was known of the listener then."""

    user_id: str
    impression: OpenImpression
    settled_ms: int
    played_ms: tuple[int, ...]
    streams: tuple[int, ...]
    plays: tuple[Play, ...]


class CorrectedExposure(Struct, frozen=True):
    """A stream ended after its exposure had settled."""

    user_id: str
    impression: OpenImpression
    index: int
    stream: StreamEvent
    previous_ms: int
    played_ms: int
    stream_count: int
    plays: tuple[Play, ...]


class EndedStream(Struct, frozen=True):
    """A stream has been attributed, or found to be organic: an interaction either way, if it has ended."""

    stream: StreamEvent
    variant: str | None
    plays: tuple[Play, ...]


Due = SettledImpression | CorrectedExposure | EndedStream


IMPRESSIONS = "impressions"
STREAM_ENDS = "stream-ends"

_ATTRIBUTE, _SETTLE, _FORGET = 0, 1, 2


class Settlement:
    """Settlement of one partition: `arrive`, then `advance`."""

    def __init__(self, settings: SettlementSettings) -> None:
        self.settings = settings
        self.watermark = Watermark(
            settings.lateness_ms, settings.idle_ms, {IMPRESSIONS: SourceClock(), STREAM_ENDS: SourceClock()}
        )
        self.listeners: OrderedDict[str, Listener] = OrderedDict()
        self.counters: Counter[str] = Counter()
        self.touches = 0
        self.exposures_open = 0
        self._agenda: list[tuple[int, int, str, str]] = []

    def arrive_impressions(
        self, arrivals: Iterable[tuple[int, Impression]], clock_ms: Iterable[int] = repeat(EVENT_MS_MAX)
    ) -> list[str]:
        """Take in impressions with their offsets, and the time by a clock of ours; gives the user of each new one."""
        touched = []
        for (offset, impression), now_ms in zip(arrivals, clock_ms, strict=False):
            self.counters["impressions_ahead"] += impression.event_ms > now_ms
            self.watermark.observe(IMPRESSIONS, min(impression.event_ms, now_ms))
            listener = self._touch(impression.user_id)
            if impression.event_ms < self.watermark.value_ms - self.settings.correction_ms:
                self.counters["impressions_too_late"] += 1
            elif impression.event_id in listener.impressions:
                self.counters["impressions_duplicate"] += 1
            else:
                self._accept(listener, IMPRESSIONS, offset, impression.event_ms)
                self._open(listener, OpenImpression.of(impression))
                touched.append(impression.user_id)
        return touched

    def arrive_streams(
        self, arrivals: Iterable[tuple[int, StreamEvent]], clock_ms: Iterable[int] = repeat(EVENT_MS_MAX)
    ) -> list[str]:
        """Take in stream-ends with their offsets, and the time by a clock of ours; gives the user of each new one."""
        touched = []
        for (offset, stream), now_ms in zip(arrivals, clock_ms, strict=False):
            self.counters["streams_ahead"] += stream.event_ms > now_ms
            self.watermark.observe(STREAM_ENDS, min(stream.event_ms, now_ms))
            listener = self._touch(stream.user_id)
            if stream.event_ms < self.watermark.value_ms - self.settings.correction_ms:
                self.counters["streams_too_late"] += 1
            elif stream.event_id in listener.stream_ids:
                self.counters["streams_duplicate"] += 1
            else:
                self.counters["streams_late"] += stream.event_ms < self.watermark.value_ms
                self._accept(listener, STREAM_ENDS, offset, stream.event_ms)
                listener.stream_ids[stream.event_id] = stream.event_ms
                listener.pending[stream.event_id] = stream
                if isinstance(stream, StreamEnd):
                    listener.add_play(stream)
                heappush(self._agenda, (stream.event_ms, _ATTRIBUTE, stream.event_id, stream.user_id))
                touched.append(stream.user_id)
        return touched

    def forget(self, user_id: str) -> None:
        """Forget a listener: nothing is concluded from what is open of hers."""
        listener = self.listeners.pop(user_id, None)
        if listener is None:
            return
        for impression in listener.impressions.values():
            self.exposures_open -= len(impression.cards)
            self.counters["exposures_forgotten"] += 0 if impression.settled else len(impression.cards)
        self.counters["streams_forgotten"] += len(listener.pending)
        self.counters["listeners_forgotten"] += 1

    def advance(self) -> list[Due]:
        """Work off the agenda up to the watermark, then drop what configuration has no room for."""
        due: list[Due] = []
        agenda, limit = self._agenda, self.watermark.value_ms
        while agenda and agenda[0][0] <= limit:
            event_ms, kind, name, user_id = heappop(agenda)
            listener = self.listeners.get(user_id)
            if listener is not None:
                self._work_off(listener, event_ms, kind, name, due)
        while self._is_overfull():
            self._evict(due)
        return due

    def _touch(self, user_id: str) -> Listener:
        listener = self.listeners.get(user_id)
        if listener is None:
            listener = self.listeners[user_id] = Listener(user_id)
        else:
            self.listeners.move_to_end(user_id)
        self.touches += 1
        listener.touch = self.touches
        return listener

    @staticmethod
    def _accept(listener: Listener, source: str, offset: int, event_ms: int) -> None:
        listener.event_count += 1
        listener.newest_ms = max(listener.newest_ms, event_ms)
        listener.offsets[source] = max(offset, listener.offsets.get(source, -1))

    def _open(self, listener: Listener, impression: OpenImpression) -> None:
        self.counters["impressions_late"] += impression.shown_ms < self.watermark.value_ms
        listener.impressions[impression.impression_id] = impression
        self._schedule(listener, impression)

    def _schedule(self, listener: Listener, impression: OpenImpression) -> None:
        self.exposures_open += len(impression.cards)
        shown_ms, name = impression.shown_ms, impression.impression_id
        if not impression.settled:
            heappush(self._agenda, (shown_ms + self.settings.horizon_ms, _SETTLE, name, listener.user_id))
        heappush(self._agenda, (shown_ms + self.settings.correction_ms, _FORGET, name, listener.user_id))

    def _work_off(self, listener: Listener, event_ms: int, kind: int, name: str, due: list[Due]) -> None:
        if kind == _ATTRIBUTE and name in listener.pending:
            self._attribute(listener, listener.pending.pop(name), due)
        elif kind != _ATTRIBUTE and name in listener.impressions:
            impression = listener.impressions[name]
            since_shown_ms = event_ms - impression.shown_ms
            if kind == _SETTLE and not impression.settled and since_shown_ms == self.settings.horizon_ms:
                self._settle(listener, impression, due)
            elif kind == _FORGET and since_shown_ms == self.settings.correction_ms:
                self._forget(listener, name)

    def _attribute(self, listener: Listener, stream: StreamEvent, due: list[Due]) -> None:
        found = listener.exposure_of(stream, self.settings.attribution_ms)
        plays = tuple(listener.plays_until(stream.event_ms, self.settings.plays_max))
        due.append(EndedStream(stream, found[0].variant if found else None, plays))
        has_ended = isinstance(stream, StreamEnd)
        self.counters["streams_playing"] += not has_ended
        if found is None:
            name = "streams_organic" if stream.impression_id is None else "streams_unmatched"
            self.counters[name] += has_ended
            if has_ended:
                self._hear(listener, stream)
            return
        impression, index = found
        previous_ms = impression.played_ms[index]
        is_unheard, gained_ms = self._hear(listener, stream)
        is_first = is_unheard or not impression.streams[index]
        if self.settings.longest_only:
            gained_ms = max(0, stream.played_ms - previous_ms)
        impression.played_ms[index] += gained_ms
        impression.streams[index] += is_first
        self.counters["streams_attributed"] += has_ended
        if impression.settled and (is_first or gained_ms):
            self.counters["outcomes_corrected"] += 1
            due.append(
                CorrectedExposure(
                    listener.user_id,
                    impression,
                    index,
                    stream,
                    previous_ms,
                    impression.played_ms[index],
                    impression.streams[index],
                    plays,
                )
            )

    @staticmethod
    def _hear(listener: Listener, stream: StreamEvent) -> tuple[bool, int]:
        """Whether nothing of a stream has counted so far, and how much more of it counts now."""
        name = stream.stream_id if isinstance(stream, StreamPlaying) else stream.event_id
        same = name, stream.card_id, stream.started_ms
        before_ms = listener.heard.get(same)
        listener.heard[same] = max(stream.played_ms, before_ms or 0)
        return before_ms is None, max(0, stream.played_ms - (before_ms or 0))

    def _settle(self, listener: Listener, impression: OpenImpression, due: list[Due]) -> None:
        impression.settled = True
        self.counters["outcomes_settled"] += len(impression.cards)
        settled_ms = impression.shown_ms + self.settings.horizon_ms
        due.append(
            SettledImpression(
                listener.user_id,
                impression,
                settled_ms,
                tuple(impression.played_ms),
                tuple(impression.streams),
                tuple(listener.plays_until(settled_ms, self.settings.plays_max)),
            )
        )

    def _forget(self, listener: Listener, name: str) -> None:
        self.exposures_open -= len(listener.impressions.pop(name).cards)

    def _is_overfull(self) -> bool:
        return bool(self.listeners) and (
            len(self.listeners) > self.settings.listeners_max or self.exposures_open > self.settings.exposures_max
        )

    def _evict(self, due: list[Due]) -> None:
        """Part with the least recently active listener: conclude all that is open, then forget."""
        user_id, listener = next(iter(self.listeners.items()))
        for stream in sorted(listener.pending.values(), key=lambda stream: (stream.event_ms, stream.event_id)):
            del listener.pending[stream.event_id]
            self._attribute(listener, stream, due)
        for name, impression in list(listener.impressions.items()):
            if not impression.settled:
                self.counters["exposures_evicted"] += len(impression.cards)
                self._settle(listener, impression, due)
            self._forget(listener, name)
        del self.listeners[user_id]
        self.counters["listeners_evicted"] += 1
