"""Recomputes the expected output from the inputs: which stream belongs to which exposure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from streams.auditing.books import Books, Exposure
from streams.auditing.own_messages import Heard, ImpressionRead
from streams.auditing.settlement_rules import AuditRules


class Recomputed:
    """Exposures with their cards, and the streams of each, certain ones and those that may still be pending.

    A stream belongs to the impression that it names, if that was shown before the stream ended, within the correction
    window; without a name, to the newest impression of its card shown at most `attribution_ms` before the stream began.
    If a card was seen twice on a page, the first slot counts. Of a stream with several records, because it was still
    playing, the longest counts.
    """

    def __init__(self, books: Books, rules: AuditRules) -> None:
        self._books, self.rules = books, rules
        self._seen = {name: impression.seen() for name, impression in books.impressions.items()}
        self.card_of: dict[Exposure, str] = dict(self._exposures())
        self.heard_of: dict[Exposure, list[Heard]] = defaultdict(list)
        pages: dict[str, list[ImpressionRead]] = defaultdict(list)
        for impression in books.impressions.values():
            pages[impression.user_id].append(impression)
        heard: Iterable[Heard] = chain(books.streams.values(), books.playing.values())
        for stream in heard:
            if exposure := self._exposure_of(stream, pages[stream.user_id]):
                self.heard_of[exposure].append(stream)

    def passed_ms(self, user_id: str) -> int:
        """Event time that has certainly passed in this user's partition: the slower topic's, less the lateness.

        An event that is ahead of its own record only proves the time of the record.
        """
        places = self._places_of(user_id)
        return min(self._books.passed_ms.get(place, -1) for place in places) - self.rules.lateness_ms

    def is_due(self, user_id: str, event_ms: int) -> bool:
        """Whether an action due at `event_ms` must have happened by now."""
        return self.rules.closed or event_ms <= self.passed_ms(user_id)

    def is_out_of_reach(self, user_id: str, event_ms: int) -> bool:
        """Whether an event may have come too late to be distinguished from a duplicate."""
        newest = max(self._books.newest_ms.get(place, -1) for place in self._places_of(user_id))
        return event_ms < newest - self.rules.lateness_ms - self.rules.correction_ms

    def _places_of(self, user_id: str) -> list[tuple[str, int]]:
        partitions = self._books.partitions_of_user[user_id]
        return [(topic, partition) for topic in ("impressions", "stream-ends") for partition in partitions]

    def _exposures(self) -> Iterator[tuple[Exposure, str]]:
        for (user_id, event_id), seen in self._seen.items():
            for (row, slot), card in seen.items():
                yield (user_id, event_id, row, slot), card

    def _exposure_of(self, stream: Heard, pages: list[ImpressionRead]) -> Exposure | None:
        page = self._page_of(stream, pages)
        if page is None:
            return None
        for (row, slot), card in self._seen[page.user_id, page.event_id].items():
            if card == stream.card_id:
                return (stream.user_id, page.event_id, row, slot)
        return None

    def _page_of(self, stream: Heard, pages: list[ImpressionRead]) -> ImpressionRead | None:
        remembered = self.rules.correction_ms
        if stream.impression_id is not None:
            page = self._books.impressions.get((stream.user_id, stream.impression_id))
            return page if page and 0 <= stream.event_ms - page.event_ms <= remembered else None
        fitting = [
            page
            for page in pages
            if 0 <= stream.started_ms - page.event_ms <= self.rules.attribution_ms
            and stream.event_ms - page.event_ms <= remembered
            and stream.card_id in self._seen[page.user_id, page.event_id].values()
        ]
        return max(fitting, key=lambda page: (page.event_ms, page.event_id), default=None)


class Streamed(NamedTuple):
    """Time and number of streams of an exposure."""

    played_ms: int
    stream_count: int


def streamed(records: Iterable[Heard], *, longest_only: bool) -> Streamed:
    """What these records say: of each stream the longest time that any says, of all streams the sum or the longest.

    >>> from streams.auditing.own_messages import PlayingRead, StreamEndRead
    >>> playing = PlayingRead("p", "s", "u", "c", 0, 5, 5)
    >>> ended = [StreamEndRead("s", "u", "c", 0, 9, 8), StreamEndRead("t", "u", "c", 9, 10, 1)]
    >>> streamed([playing, *ended], longest_only=False), streamed([playing, *ended], longest_only=True)
    (Streamed(played_ms=9, stream_count=2), Streamed(played_ms=8, stream_count=2))
    """
    longest: dict[tuple[str, int], int] = {}
    for record in records:
        stream = record.stream_id, record.started_ms
        longest[stream] = max(record.played_ms, longest.get(stream, 0))
    times = longest.values()
    return Streamed(max(times, default=0) if longest_only else sum(times), len(longest))
