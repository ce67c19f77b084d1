"""The newest ranking of every listener, and what to show those who have none."""

from collections import Counter
from typing import Literal

import msgspec
from msgspec import Struct

from schemas.codec import UnreadableError, decode
from schemas.fields import Weights
from schemas.rankings import HOME, ShelfRanking, ranking_key

TOPIC = "shelf-rankings"


class Found(Struct, frozen=True):
    """A ranking, whose it is, and how old it was when it was asked for.

    `source` is `own`, the listener's; `group`, another listener's of the same user group; or `global`, anybody's.
    `age_ms` is counted from the event that it reflects to the newest event seen on the topic.
    """

    ranking: ShelfRanking
    source: Literal["own", "group", "global"]
    age_ms: int


class _Head(Struct, frozen=True):
    """As much of a ranking as keeping it needs."""

    user_id: str
    ranking_number: int
    event_ms: int
    user_weights: Weights = ()
    surface: str = HOME


class RankingTable:
    """Keeps the newest ranking of each listener as bytes; what comes late or twice changes nothing.

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

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.newest_ms = 0
        self._values: dict[str, bytes] = {}
        self._heads: dict[str, _Head] = {}
        self._of_group: dict[tuple[str, int], str] = {}
        self._latest: dict[str, str] = {}
        self._decode_head = msgspec.json.Decoder(_Head).decode

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: bytes | None, value: bytes | None) -> bool:
        """Take in one record of the topic; false where it is old, unreadable, or deletes nobody."""
        if value is None:
            return self._forget((key or b"").decode(errors="replace"))
        try:
            head = self._decode_head(value)
        except msgspec.MsgspecError:
            self.counters["unreadable"] += 1
            return False
        name = ranking_key(head.user_id, head.surface)
        known = self._heads.get(name)
        if known is not None and known.ranking_number >= head.ranking_number:
            self.counters["old"] += 1
            return False
        if known is not None and head.ranking_number > known.ranking_number + 1:
            self.counters["skipped"] += head.ranking_number - known.ranking_number - 1
        self._heads[name], self._values[name] = head, value
        self.newest_ms = max(self.newest_ms, head.event_ms)
        self._latest[head.surface] = name
        if head.user_weights:
            group = max(range(len(head.user_weights)), key=head.user_weights.__getitem__)
            self._of_group[head.surface, group] = name
        self.counters["taken"] += 1
        return True

    def get(self, user_id: str, *, user_group: int | None = None, surface: str = HOME) -> Found | None:
        """The ranking to show: the listener's own, else its group's newest, else anybody's, else None."""
        name = ranking_key(user_id, surface)
        if name in self._values:
            return self._found(name, "own")
        stand_in = self._of_group.get((surface, user_group)) if user_group is not None else None
        if stand_in in self._values:
            return self._found(stand_in, "group")
        anybody = self._latest.get(surface)
        return self._found(anybody, "global") if anybody in self._values else None

    def _found(self, user_id: str, source: Literal["own", "group", "global"]) -> Found | None:
        try:
            ranking: ShelfRanking = decode(TOPIC, self._values[user_id])
        except UnreadableError:
            self.counters["unreadable"] += 1
            self._forget(user_id)
            return None
        return Found(ranking, source, self.newest_ms - ranking.event_ms)

    def _forget(self, user_id: str) -> bool:
        self._heads.pop(user_id, None)
        return self._values.pop(user_id, None) is not None
