"""Memory of who has been exposed to what on which day, so that each is told once; one state row each."""

from collections.abc import Iterable, Iterator

import msgspec

from processors.settlement.state.rows import Row

PREFIX = b"x/"
_NEWEST = b"x/newest"
DAYS = 2
"""Pages of a day are taken until so many days later; then the day is forgotten."""
_DROPPED_MAX = 2_000
"""Rows that are deleted in one transaction at most, when a day is over."""

Pairs = frozenset[tuple[str, str]]
"""Experiments and variants."""


def name_of_row(key: bytes) -> bytes | None:
    """The listener of a row of a day, None of other rows."""
    return key[len(PREFIX) :].partition(b"/")[2] if key.startswith(PREFIX) and key != _NEWEST else None


class ExposureMemory:
    """What listeners were exposed to on the newest days; names are as JSON writes them.

    >>> memory = ExposureMemory(listeners_max=1); memory.advance(5); memory.add(5, b"u1", frozenset({("e", "a")}))
    >>> again = ExposureMemory(listeners_max=1); again.restore(memory.changed_rows())
    >>> again.of(5, b"u1"), again.is_over(3), again.is_over(2), again.has_room(5, b"u2")
    (frozenset({('e', 'a')}), False, True, False)
    """

    def __init__(self, listeners_max: int) -> None:
        self.listeners_max = listeners_max
        self._newest_day = self._written_day = 0
        self._days: dict[int, dict[bytes, Pairs]] = {}
        self._changed: set[tuple[int, bytes]] = set()

    def __len__(self) -> int:
        return sum(map(len, self._days.values()))

    @property
    def newest_day(self) -> int:
        """The newest day of which a page has been shown."""
        return self._newest_day

    def advance(self, day: int) -> None:
        """A page of this day has been shown."""
        self._newest_day = max(self._newest_day, day)

    def is_over(self, day: int) -> bool:
        """Whether a page of this day is too late to be told once."""
        return day < self._newest_day - DAYS

    def has_room(self, day: int, user: bytes) -> bool:
        """Whether the listener can be remembered; at the limit, others of the day cannot."""
        own = self._days.get(day, {})
        return len(own) < self.listeners_max or user in own

    def of(self, day: int, user: bytes) -> Pairs:
        """What a listener has been exposed to on a day."""
        return self._days.get(day, {}).get(user, frozenset())

    def add(self, day: int, user: bytes, pairs: Pairs) -> None:
        """Remember that a listener has been exposed to these on a day."""
        own = self._days.setdefault(day, {})
        own[user] = own.get(user, frozenset()) | pairs
        self._changed.add((day, user))

    def drop_old(self) -> None:
        """Forget days that are over, a part of them in each call."""
        room = _DROPPED_MAX
        for day in sorted(day for day in self._days if self.is_over(day)):
            for user in list(self._days[day])[:room]:
                self._drop(day, user)
                room -= 1

    def forget(self, user: bytes) -> None:
        """Forget a listener."""
        for day in [day for day, own in self._days.items() if user in own]:
            self._drop(day, user)

    def changed_rows(self) -> Iterator[Row]:
        """Rows that have changed since the last call; a row without a value is a deletion."""
        if self._newest_day != self._written_day:
            yield _NEWEST, b"%d" % self._newest_day
            self._written_day = self._newest_day
        for day, user in sorted(self._changed):
            pairs = self.of(day, user)
            yield PREFIX + b"%d/" % day + user, msgspec.msgpack.encode(sorted(pairs)) if pairs else None
        self._changed.clear()

    def restore(self, rows: Iterable[Row]) -> None:
        """Restore what wrote these rows."""
        for key, value in rows:
            if value is None:
                continue
            if key == _NEWEST:
                self._newest_day = self._written_day = int(value)
                continue
            day, _, user = key[len(PREFIX) :].partition(b"/")
            pairs = frozenset(msgspec.msgpack.decode(value, type=list[tuple[str, str]]))
            self._days.setdefault(int(day), {})[user] = pairs

    def _drop(self, day: int, user: bytes) -> None:
        own = self._days[day]
        if own.pop(user, None) is not None:
            self._changed.add((day, user))
        if not own:
            del self._days[day]
