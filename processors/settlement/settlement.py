"""Settles exposures: each exactly once, in event time, whatever order the two sources arrived in.

Theory of operation. Arrivals are deduplicated and remembered per listener; nothing is concluded from them. Three kinds
of entry wait on one agenda, ordered by event time: a stream to attribute when it ended, an impression to settle at its
horizon, an impression to forget after the correction window. `advance` works the agenda off up to the watermark, so
what is concluded is a function of the events alone, as long as they come within the allowed lateness. A stream that
ends after its exposure's horizon finds it settled and corrects it; one that comes too late to be told from a duplicate
is dropped and counted.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from processors.settlement.due import CorrectedExposure, Due, EndedStream, SettledImpression
from processors.settlement.listener import Listener, OpenImpression
from processors.settlement.settings import SettlementSettings
from processors.settlement.watermark import SourceClock, Watermark
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd

IMPRESSIONS: Final = "impressions"
STREAM_ENDS: Final = "stream-ends"

_ATTRIBUTE, _SETTLE, _FORGET = 0, 1, 2


class Settlement:
    """Settlement of one partition: `arrive`, then `advance`.

    >>> from tests.builders import impression, stream_end
    >>> settlement = Settlement(SettlementSettings(horizon_ms=100, correction_ms=500, lateness_ms=0))
    >>> settlement.arrive_impressions([(0, impression(event_ms=0, cards=("c1", "c2")))]), settlement.advance()
    (['u1'], [])
    >>> settlement.arrive_streams([(0, stream_end(card_id="c2", started_ms=5, event_ms=40, played_ms=35))])
    ['u1']
    >>> _ = settlement.arrive_impressions([(1, impression(event_id="later", event_ms=200))])
    >>> _ = settlement.arrive_streams([(1, stream_end(event_id="later", event_ms=200))])
    >>> stream, settled = settlement.advance()[:2]
    >>> settled.settled_ms, settled.played_ms
    (100, (0, 35))
    """

    def __init__(self, settings: SettlementSettings) -> None:
        self.settings = settings
        self.watermark = Watermark(
            settings.lateness_ms, settings.idle_ms, {IMPRESSIONS: SourceClock(), STREAM_ENDS: SourceClock()}
        )
        self.listeners: OrderedDict[str, Listener] = OrderedDict()
        self.counters: Counter[str] = Counter()
        self.written: tuple[dict[str, int], int] = ({}, 0)
        self.touches = 0
        self.ranked_touches = 0  # the listeners touched since await a page
        self.exposures_open = 0
        self.changed_listeners: set[str] = set()
        self.changed_impressions: dict[tuple[str, str], OpenImpression | None] = {}
        self._agenda: list[tuple[int, int, str, str]] = []

    def arrive_impressions(self, arrivals: Iterable[tuple[int, Impression]]) -> list[str]:
        """Take in impressions with their offsets; gives the user of each that is new."""
        touched = []
        for offset, impression in arrivals:
            self.watermark.observe(IMPRESSIONS, impression.event_ms)
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

    def arrive_streams(self, arrivals: Iterable[tuple[int, StreamEnd]]) -> list[str]:
        """Take in stream-ends with their offsets; gives the user of each that is new."""
        touched = []
        for offset, stream in arrivals:
            self.watermark.observe(STREAM_ENDS, stream.event_ms)
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
                listener.add_play(stream)
                heappush(self._agenda, (stream.event_ms, _ATTRIBUTE, stream.event_id, stream.user_id))
                touched.append(stream.user_id)
        return touched

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

    def tidy(self) -> None:
        """Forget of the changed listeners what no later event can ask for; before their rows are written."""
        for user_id in self.changed_listeners:
            if user_id in self.listeners:
                self.listeners[user_id].forget(
                    watermark_ms=self.watermark.value_ms,
                    plays_max=self.settings.plays_max,
                    remember_ms=self.settings.correction_ms,
                )

    def adopt(self, listener: Listener) -> None:
        """Take over a listener from its state rows, and put what waits back on the agenda."""
        self.listeners[listener.user_id] = listener
        for stream in listener.pending.values():
            heappush(self._agenda, (stream.event_ms, _ATTRIBUTE, stream.event_id, listener.user_id))
        for impression in listener.impressions.values():
            self._schedule(listener, impression)

    def _touch(self, user_id: str) -> Listener:
        listener = self.listeners.get(user_id)
        if listener is None:
            listener = self.listeners[user_id] = Listener(user_id)
        else:
            self.listeners.move_to_end(user_id)
        self.touches += 1
        listener.touch = self.touches
        self.changed_listeners.add(user_id)
        return listener

    @staticmethod
    def _accept(listener: Listener, source: str, offset: int, event_ms: int) -> None:
        listener.event_count += 1
        listener.newest_ms = max(listener.newest_ms, event_ms)
        listener.offsets[source] = max(offset, listener.offsets.get(source, -1))

    def _open(self, listener: Listener, impression: OpenImpression) -> None:
        self.counters["impressions_late"] += impression.shown_ms < self.watermark.value_ms
        listener.impressions[impression.impression_id] = impression
        self.changed_impressions[listener.user_id, impression.impression_id] = impression
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

    def _attribute(self, listener: Listener, stream: StreamEnd, due: list[Due]) -> None:
        self.changed_listeners.add(listener.user_id)
        found = listener.exposure_of(stream, self.settings.attribution_ms)
        plays = tuple(listener.plays_until(stream.event_ms, self.settings.plays_max))
        due.append(EndedStream(stream, found[0].variant if found else None, plays))
        if found is None:
            self.counters["streams_organic" if stream.impression_id is None else "streams_unmatched"] += 1
            return
        impression, index = found
        previous_ms = impression.played_ms[index]
        impression.played_ms[index] += stream.played_ms
        impression.streams[index] += 1
        self.counters["streams_attributed"] += 1
        self.changed_impressions[listener.user_id, impression.impression_id] = impression
        if impression.settled:
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

    def _settle(self, listener: Listener, impression: OpenImpression, due: list[Due]) -> None:
        impression.settled = True
        self.counters["outcomes_settled"] += len(impression.cards)
        self.changed_impressions[listener.user_id, impression.impression_id] = impression
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
        self.changed_impressions[listener.user_id, name] = None

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
        self.changed_listeners.add(user_id)
        self.counters["listeners_evicted"] += 1
