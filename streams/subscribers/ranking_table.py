"""The newest ranking of each listener, and substitutes for listeners without one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from schemas.codec import UnreadableError, decode
from schemas.fields import Weights
from schemas.rankings import HOME, ShelfRanking, user_of_key

TOPIC = "shelf-rankings"
Source = Literal["own", "group", "global"]


class Found(Struct, frozen=True):
    """A ranking with its source, age, and the number of unseen versions before it.

    `source` is `own`, the listener's; `group`, another listener's of the same user group; or `global`, any listener's.
    `age_ms` is the time from the event that it reflects to the newest event seen on the topic. `unseen_count` is the
    gap in the listener's ranking numbers before it: versions removed by compaction, or skipped within a batch.
    """

    ranking: ShelfRanking
    source: Source
    age_ms: int
    unseen_count: int = 0

    @property
    def assignments(self) -> str:
        """What the impression of this page reports of experiments; nothing for a substitute, which is another's page.

        The worker then counts the listener as she is assigned, whatever she was shown instead.
        """
        return self.ranking.assignments if self.source == "own" else ""


class _Head(Struct, frozen=True):
    """The fields of a ranking that the table needs."""

    user_id: str
    ranking_number: int
    event_ms: int
    user_weights: Weights = ()
    surface: str = HOME

    @property
    def group(self) -> int | None:
        """The listener's most likely user group."""
        weights = self.user_weights
        return max(range(len(weights)), key=weights.__getitem__) if weights else None


class _Kept(NamedTuple):
    """The entry of a listener."""

    head: _Head
    value: bytes
    unseen_count: int


class RankingTable:
    """Keeps the newest ranking of each listener for one surface, as bytes; late and duplicate records change nothing.

    The higher ranking number wins. A lower one wins only with a later event: the listener was evicted by the worker
    (state is bounded) and counts from one again. With `bytes_max` the listeners with the oldest rankings leave when
    the rankings exceed it.

    >>> from schemas.codec import encode
    >>> def record(user, number):
    ...     return encode(ShelfRanking(user_id=user, ranking_number=number, event_ms=number, shelves=(), draw_key=0,
    ...         policy_version="uniform", reward_version="static", model_version="0.0", user_weights=(0.2, 0.8)))
    >>> table = RankingTable(); [table.put(b"u1", record("u1", number)) for number in (2, 1)]
    [True, False]
    >>> table.get("u1").ranking.ranking_number, table.get("u2", user_group=1).source, table.get("u2").source
    (2, 'group', 'global')
    >>> table.put(b"u1", None), table.get("u1")
    (True, None)
    """

    def __init__(self, surface: str = HOME, *, bytes_max: int | None = None) -> None:
        self.surface = surface
        self.bytes_max = bytes_max
        self.kept_bytes = 0
        self.counters: Counter[str] = Counter()
        self.newest_ms = 0
        self._kept: dict[str, _Kept] = {}  # the newest last, here and in each group
        self._of_group: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._decode_head = msgspec.json.Decoder(_Head).decode

    def __len__(self) -> int:
        return len(self._kept)

    def users(self) -> list[str]:
        """The listeners with a ranking, the most recent one last."""
        return list(self._kept)

    def put(self, key: bytes | None, value: bytes | None) -> bool:
        """Process one record of the topic; False if it is old, unreadable, of another surface, or deletes nothing."""
        if value is None:
            return self._forget(self.user_of(key))
        try:
            head = self._decode_head(value)
        except msgspec.MsgspecError:
            self.counters["unreadable"] += 1
            return False
        if head.surface != self.surface:
            return False
        known = self._kept.get(head.user_id)
        unseen_count = 0
        if known is not None:
            ahead = head.ranking_number - known.head.ranking_number
            if ahead <= 0 and head.event_ms <= known.head.event_ms:
                self.counters["old"] += 1
                return False
            unseen_count = max(0, ahead - 1)
            self._forget(head.user_id)
        self._kept[head.user_id] = _Kept(head, value, unseen_count)
        self.kept_bytes += len(value)
        if head.group is not None:
            self._of_group[head.group][head.user_id] = None
        self.newest_ms = max(self.newest_ms, head.event_ms)
        self.counters["unseen"] += unseen_count
        self.counters["taken"] += 1
        while self.bytes_max is not None and self.kept_bytes > self.bytes_max:
            self._forget(next(iter(self._kept)))
            self.counters["evicted"] += 1
        return True

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show: the listener's own, else the newest of the group, else the newest of all, else None."""
        for stand_in, source in self._candidates(user_id, user_group):
            found = self._found(stand_in, source)
            if found is not None:
                return found
        return None

    def _candidates(self, user_id: str, user_group: int | None) -> Iterator[tuple[str, Source]]:
        if user_id in self._kept:
            yield user_id, "own"
        if user_group is not None and (members := self._of_group.get(user_group)):
            yield next(reversed(members)), "group"
        if self._kept:
            yield next(reversed(self._kept)), "global"

    def _found(self, user_id: str, source: Source) -> Found | None:
        kept = self._kept[user_id]
        try:
            ranking: ShelfRanking = decode(TOPIC, kept.value)
        except UnreadableError:
            self.counters["unreadable"] += 1
            self._forget(user_id)
            return None
        return Found(ranking, source, self.newest_ms - ranking.event_ms, kept.unseen_count)

    def user_of(self, key: bytes | None) -> str:
        """The listener of a key; None if it belongs to another surface."""
        return user_of_key((key or b"").decode(errors="replace"), self.surface) or ""

    def _forget(self, user_id: str) -> bool:
        kept = self._kept.pop(user_id, None)
        if kept is not None:
            self.kept_bytes -= len(kept.value)
            if kept.head.group is not None:
                self._of_group[kept.head.group].pop(user_id, None)
        return kept is not None
