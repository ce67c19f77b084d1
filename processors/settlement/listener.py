"""What is kept of one listener: recent plays, streams not yet attributed, and impressions not yet forgotten."""

from bisect import bisect_right, insort
from itertools import repeat
from operator import attrgetter

from msgspec import Struct

from schemas.impressions import Impression
from schemas.outcomes import ExposureKey, LoggedPage
from schemas.stream_ends import StreamEnd


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
    surface: str
    variant: str
    policy_version: str
    reward_version: str
    model_version: str
    shelves: list[str]
    rows: list[int]
    slots: list[int]
    cards: list[str]
    propensities: list[float]
    played_ms: list[int]
    streams: list[int]
    settled: bool = False

    @classmethod
    def of(cls, impression: Impression) -> "OpenImpression":
        """Keep of an impression what its outcomes need."""
        shelves: list[str] = []
        rows: list[int] = []
        slots: list[int] = []
        cards: list[str] = []
        propensities: list[float] = []
        for row, shelf in enumerate(impression.shelves):
            seen = shelf.seen
            if seen:
                shelves += repeat(shelf.shelf_id, len(seen))
                rows += repeat(row, len(seen))
                slots += seen
                cards += map(shelf.cards.__getitem__, seen)
                propensities += map(shelf.propensities.__getitem__, seen)
        return cls(
            impression_id=impression.event_id,
            shown_ms=impression.event_ms,
            surface=impression.surface,
            variant=impression.variant,
            policy_version=impression.policy_version,
            reward_version=impression.reward_version,
            model_version=impression.model_version,
            shelves=shelves,
            rows=rows,
            slots=slots,
            cards=cards,
            propensities=propensities,
            played_ms=[0] * len(cards),
            streams=[0] * len(cards),
        )

    @property
    def logged(self) -> LoggedPage:
        """What was logged with the page."""
        return LoggedPage(self.surface, self.variant, self.policy_version, self.reward_version, self.model_version)

    def exposure(self, index: int) -> ExposureKey:
        """Name of the exposure in column `index`."""
        return ExposureKey(self.impression_id, self.rows[index], self.slots[index])


class Listener(Struct):
    """One listener of one partition. `event_count` numbers the rankings: it counts the accepted events.

    `plays` is sorted; it holds the newest `plays_max` up to the watermark and all beyond it, so that what was known at
    any later time can be told exactly. `offsets` are those of the last accepted event of each source.
    """

    user_id: str
    touch: int = 0
    event_count: int = 0
    newest_ms: int = 0
    offsets: dict[str, int] = {}
    plays: list[Play] = []
    pending: dict[str, StreamEnd] = {}
    stream_ids: dict[str, int] = {}
    impressions: dict[str, OpenImpression] = {}

    def plays_until(self, event_ms: int, limit: int) -> list[Play]:
        """The newest `limit` plays that had ended by `event_ms`.

        >>> listener = Listener("u1", plays=[Play(1, "a", "c1", 5), Play(2, "b", "c1", 5), Play(3, "c", "c1", 5)])
        >>> [play.event_id for play in listener.plays_until(2, 1)]
        ['b']
        """
        end = self._ended_by(event_ms)
        return self.plays[max(0, end - limit) : end]

    def add_play(self, stream: StreamEnd) -> None:
        """Insert a stream into the plays, in the order of event time."""
        insort(self.plays, Play(stream.event_ms, stream.event_id, stream.card_id, stream.played_ms))

    def forget(self, *, watermark_ms: int, plays_max: int, remember_ms: int) -> None:
        """Drop plays beyond the newest `plays_max` and stream ids older than `remember_ms`."""
        if len(self.plays) > plays_max:
            surplus = self._ended_by(watermark_ms) - plays_max
            del self.plays[: max(0, surplus)]
        cutoff = watermark_ms - remember_ms
        while self.stream_ids:
            oldest = next(iter(self.stream_ids))
            if self.stream_ids[oldest] >= cutoff:
                break
            del self.stream_ids[oldest]

    def _ended_by(self, event_ms: int) -> int:
        """How many of the plays had ended by then: for who reads along nearly always all."""
        plays = self.plays
        if not plays or plays[-1].event_ms <= event_ms:
            return len(plays)
        return bisect_right(plays, event_ms, key=_ended_ms)

    def exposure_of(self, stream: StreamEnd, attribution_ms: int) -> tuple[OpenImpression, int] | None:
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
