"""What listeners did lately: pages that they saw, what they streamed, and what their exposures became."""

from collections import OrderedDict, deque
from typing import Any

import msgspec
from msgspec import Struct

from schemas.codec import UnreadableError, decode
from schemas.impressions import Impression
from schemas.outcomes import ExposureKey, Outcome, OutcomeCorrected, OutcomeSettled, one_by_one
from schemas.stream_ends import StreamEnd, StreamPlaying

LISTENERS_MAX = 1_000
PAGES_KEPT, STREAMS_KEPT, OUTCOMES_KEPT = 4, 20, 60
"""Of a listener, the newest."""


class _Moment(Struct):
    event_ms: int


_moment = msgspec.json.Decoder(_Moment)


class _Lately:
    """The newest of one listener; pages and streams as bytes, because few are ever looked at."""

    def __init__(self) -> None:
        self.pages: deque[bytes] = deque(maxlen=PAGES_KEPT)
        self.streams: deque[bytes] = deque(maxlen=STREAMS_KEPT)
        self.outcomes: OrderedDict[ExposureKey, OutcomeSettled | OutcomeCorrected] = OrderedDict()


class ListenerLog:
    """Of the listeners who were active last, the newest pages, streams and outcomes.

    >>> log = ListenerLog(); log.take_input("stream-ends", b"u1", b'{"event_ms": 7000}')
    >>> log.newest_event_ms, log.settled_behind_ms, len(log)
    (7000, None, 1)
    """

    def __init__(self, listeners_max: int = LISTENERS_MAX) -> None:
        self._listeners: OrderedDict[str, _Lately] = OrderedDict()
        self._listeners_max = listeners_max
        self.newest_event_ms = 0
        self._newest_settled_ms = 0

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def settled_behind_ms(self) -> int | None:
        """Event time between the newest event and the newest exposure that has settled; None before one has."""
        return max(0, self.newest_event_ms - self._newest_settled_ms) if self._newest_settled_ms else None

    def take_input(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Process an impression, a stream-end or what is still playing; a null value forgets the listener."""
        user_id = (key or b"").decode(errors="replace")
        if value is None:
            self._listeners.pop(user_id, None)
            return
        try:
            self.newest_event_ms = max(self.newest_event_ms, _moment.decode(value).event_ms)
        except (msgspec.MsgspecError, ValueError, RecursionError):  # the worker makes it a dead letter
            return
        lately = self._listeners.pop(user_id, None) or _Lately()
        self._listeners[user_id] = lately
        (lately.pages if topic == "impressions" else lately.streams).append(value)
        if len(self._listeners) > self._listeners_max:
            self._listeners.popitem(last=False)

    def take_outcomes(self, message: Outcome) -> None:
        """Process outcomes; those of listeners who are not known here are only counted into the delay."""
        for one in one_by_one([message]):
            if isinstance(one, OutcomeSettled):
                self._newest_settled_ms = max(self._newest_settled_ms, one.settled_ms)
            lately = self._listeners.get(one.user_id)
            if lately is None:
                continue
            lately.outcomes.pop(one.exposure, None)
            lately.outcomes[one.exposure] = one
            if len(lately.outcomes) > OUTCOMES_KEPT:
                lately.outcomes.popitem(last=False)

    def pages(self, user_id: str) -> list[Impression]:
        """The newest pages, the newest first; those that nobody can read are left out."""
        lately = self._listeners.get(user_id)
        return [] if lately is None else [*_readable("impressions", lately.pages)]

    def streams(self, user_id: str) -> list[StreamEnd | StreamPlaying]:
        """The newest streams, the newest first."""
        lately = self._listeners.get(user_id)
        return [] if lately is None else [*_readable("stream-ends", lately.streams)]

    def outcome(self, user_id: str, exposure: ExposureKey) -> OutcomeSettled | OutcomeCorrected | None:
        """What became of an exposure; None as long as it has not settled."""
        lately = self._listeners.get(user_id)
        return None if lately is None else lately.outcomes.get(exposure)


def _readable(topic: str, values: "deque[bytes]") -> list[Any]:
    found = []
    for value in reversed(values):
        try:
            found.append(decode(topic, value))
        except UnreadableError:
            continue
    return found
