"""Sums of signals by listener, window and what was logged: all that is known of listeners, from which metrics follow.

They are keyed sums of whole numbers: the order of messages, and the partition that told them, do not matter. The store
is columns, with an index from key to row; windows leave whole, the oldest first.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import BoolArray, IntArray
from processors.interner import Interner
from processors.settlement.state.rows import Row
from schemas.fields import IDENTIFIER_MAX
from schemas.metric_signals import SIGNALS, MetricSignals
from schemas.outcomes import LoggedPage

NOBODY = "-" * (IDENTIFIER_MAX + 1)
"""Whose sums those of forgotten listeners join: too long for a listener's id."""
_CELL, _PLAYS, _USER, _KIND = b"c/", b"g/", b"u/", b"k/"
_PAST = 2**40


class Kind(Struct, frozen=True, array_like=True):
    """What is the same for all pages of a sum."""

    logged: LoggedPage
    generation: int
    user_group: int


class Columns(NamedTuple):
    """n sums: number of the listener, beginning of the window, number of the kind, and the signals [n, s]."""

    user: IntArray
    window_ms: IntArray
    kind: IntArray
    signals: IntArray

    def some(self, chosen: "IntArray | BoolArray") -> "Columns":
        """The chosen ones, in order."""
        return Columns(*(column[chosen] for column in self))


class Cells:
    """The sums, as keyed rows of state.

    >>> message = MetricSignals(source="listeners/0", settled_until_ms=0, generation=0, logged=(LoggedPage(),),
    ...     user_id=("u1", "u1"), window_ms=(0, 0), page=(0, 0), user_group=(2, 2), signals=((1, 2),) * len(SIGNALS))
    >>> cells = Cells(); cells.add(message); cells.columns().signals[:, 0].tolist(), cells.changed_windows()
    ([3], [0])
    """

    def __init__(self) -> None:
        self.users, self.kinds_known = Interner(_USER), Interner(_KIND)
        self._index: dict[int, int] = {}
        self._room = _empty(64)
        self._count = 0
        self._kinds: dict[int, Kind] = {}
        self._plays: dict[int, dict[int, dict[int, int]]] = {}  # first streams by window, kind and card group
        self._changed: set[int] = set()  # rows of the columns
        self._plays_changed: set[tuple[int, int]] = set()
        self._windows: set[int] = set()
        self._gone: list[bytes] = []

    def __len__(self) -> int:
        return self._count

    def add(self, message: MetricSignals) -> None:
        """Add what a message tells."""
        users = self.users.ids_of(message.user_id)
        kinds = self._kinds_of(message)
        windows = np.array(message.window_ms, dtype=np.int64)
        self._put(users, windows, kinds, np.array(message.signals, dtype=np.int64).reshape(len(SIGNALS), -1).T)
        for row, group, plays in zip(message.play_row, message.play_group, message.plays, strict=True):
            key = (int(windows[row]), int(kinds[row]))
            own = self._plays.setdefault(key[0], {}).setdefault(key[1], {})
            own[group] = own.get(group, 0) + plays
            self._plays_changed.add(key)

    def columns(self) -> Columns:
        """All sums; views, valid until the next change."""
        return Columns(*(column[: self._count] for column in self._room))

    def kinds(self) -> Mapping[int, Kind]:
        """The kinds by number."""
        return self._kinds

    def plays_of(self, windows: Iterable[int], kinds: AbstractSet[int]) -> dict[int, int]:
        """First streams by card group, of these windows and kinds."""
        found: dict[int, int] = {}
        for window_ms in windows:
            own = self._plays.get(window_ms, {})
            for kind in own.keys() & kinds:
                for group, count in own[kind].items():
                    found[group] = found.get(group, 0) + count
        return dict(sorted(found.items()))

    def nobody(self) -> int:
        """Number of the listener who has the sums of the forgotten; -1 if there are none."""
        number = self.users.find(NOBODY)
        return -1 if number is None else number

    def forget(self, user_id: str) -> None:
        """Let the sums of a listener join those of nobody: totals stay, her name goes."""
        number = self.users.find(user_id)
        if number is None:
            return
        hers = np.flatnonzero(self.columns().user == number)
        moved = self.columns().some(hers)
        for row in reversed(hers.tolist()):
            self._remove(row)
        self.users.release([number])
        self._put(np.repeat(self.users.ids_of([NOBODY]), len(hers)), moved.window_ms, moved.kind, moved.signals)

    def drop_before(self, window_ms: int) -> list[int]:
        """Drop windows that begin earlier, with listeners who have no other; returns the dropped windows."""
        columns = self.columns()
        old = np.flatnonzero(columns.window_ms < window_ms)
        dropped: list[int] = np.unique(columns.window_ms[old]).tolist()
        if len(old):
            before = np.unique(columns.user[old])
            self._drop(old)
            self.users.release(np.setdiff1d(before, self.columns().user).tolist())
            idle = np.setdiff1d(self.kinds_known.all_ids(), self.columns().kind).tolist()
            self.kinds_known.release(idle)
            for number in idle:
                del self._kinds[number]
        for old_ms in [old_ms for old_ms in self._plays if old_ms < window_ms]:
            self._plays_changed.update((old_ms, kind) for kind in self._plays.pop(old_ms))
        self._windows.difference_update(dropped)
        return dropped

    def changed_windows(self) -> list[int]:
        """Beginnings of the windows whose sums have changed since the last call."""
        changed, self._windows = sorted(self._windows), set()
        return changed

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        yield from self.users.changed_rows()
        yield from self.kinds_known.changed_rows()
        gone, self._gone = self._gone, []
        columns, rows = self.columns(), sorted(self._changed)
        keys = [_key(*place) for place in zip(*(c[rows].tolist() for c in columns[:3]), strict=True)]
        alive = set(keys)
        yield from ((key, None) for key in gone if key not in alive)
        for key, signals in zip(keys, columns.signals[rows].tolist(), strict=True):
            yield key, msgspec.msgpack.encode(signals)
        self._changed.clear()
        for place in sorted(self._plays_changed):
            plays = self._plays.get(place[0], {}).get(place[1])
            yield _PLAYS + b"%d/%d" % place, None if plays is None else msgspec.msgpack.encode(sorted(plays.items()))
        self._plays_changed.clear()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the sums that wrote these rows."""
        places, signals = [], []
        for key, value in rows:
            if key.startswith(_CELL):
                places.append([int(part) for part in key[len(_CELL) :].split(b"/")])
                signals.append(msgspec.msgpack.decode(value))
            elif key.startswith(_PLAYS):
                window_ms, kind = (int(part) for part in key[len(_PLAYS) :].split(b"/"))
                self._plays.setdefault(window_ms, {})[kind] = dict(msgspec.msgpack.decode(value))
            elif not self.users.adopt(key, value):
                self.kinds_known.adopt(key, value)
        numbers = self.kinds_known.all_ids().tolist()
        self._kinds = {number: _kind_of(self.kinds_known.name_of(number)) for number in numbers}
        if places:
            user, window_ms, kind = np.array(places, dtype=np.int64).T
            self._put(user, window_ms, kind, np.array(signals, dtype=np.int64))
        self._changed.clear()

    def _kinds_of(self, message: MetricSignals) -> IntArray:
        pairs = list(zip(message.page, message.user_group, strict=True))
        kinds = {pair: Kind(message.logged[pair[0]], message.generation, pair[1]) for pair in sorted(set(pairs))}
        names = [msgspec.json.encode(kind).decode() for kind in kinds.values()]
        numbers = self.kinds_known.ids_of(names).tolist()
        self._kinds.update(zip(numbers, kinds.values(), strict=True))
        known = dict(zip(kinds, numbers, strict=True))
        return np.array([known[pair] for pair in pairs], dtype=np.int64)

    def _put(self, user: IntArray, window_ms: IntArray, kind: IntArray, signals: IntArray) -> None:
        rows = np.empty(len(user), dtype=np.int64)
        self._room = _grown(self._room, self._count + len(user))
        for number, place in enumerate(zip(user.tolist(), window_ms.tolist(), kind.tolist(), strict=True)):
            code = _code(*place)
            row = self._index.get(code)
            if row is None:
                row = self._index[code] = self._count
                self._count += 1
                self._room.user[row], self._room.window_ms[row], self._room.kind[row] = place
                self._room.signals[row] = 0
            rows[number] = row
        np.add.at(self._room.signals, rows, signals)
        self._changed.update(rows.tolist())
        self._windows.update(np.unique(window_ms).tolist())

    def _remove(self, row: int) -> None:
        """Remove one row: the last one takes its place."""
        last = self._count - 1
        for place in {row, last}:
            del self._index[self._code_at(place)]
        self._gone.append(_key(*self._place_at(row)))
        for column in self._room:
            column[row] = column[last]
        self._count = last
        is_changed = last in self._changed
        self._changed -= {row, last}
        if row != last:
            self._index[self._code_at(row)] = row
            self._changed.update([row] if is_changed else [])

    def _place_at(self, row: int) -> tuple[int, int, int]:
        user, window_ms, kind = (int(column[row]) for column in self._room[:3])
        return user, window_ms, kind

    def _code_at(self, row: int) -> int:
        return _code(*self._place_at(row))

    def _drop(self, rows: IntArray) -> None:
        """Drop rows of the columns; the others move up, in order."""
        columns = self.columns()
        for place in zip(*(column[rows].tolist() for column in columns[:3]), strict=True):
            del self._index[_code(*place)]
            self._gone.append(_key(*place))
        stay = np.ones(self._count, dtype=np.bool_)
        stay[rows] = False
        moved = np.cumsum(stay) - 1
        self._changed = {int(moved[row]) for row in self._changed if stay[row]}
        kept = columns.some(stay)
        self._room, self._count = kept, len(kept.user)
        self._index = {
            _code(*place): row for row, place in enumerate(zip(*(column.tolist() for column in kept[:3]), strict=True))
        }


def _code(user: int, window_ms: int, kind: int) -> int:
    return (window_ms * _PAST + kind) * _PAST + user


def _key(user: int, window_ms: int, kind: int) -> bytes:
    return _CELL + b"%d/%d/%d" % (user, window_ms, kind)


def _kind_of(name: str) -> Kind:
    return msgspec.json.decode(name, type=Kind)


def _empty(room: int) -> Columns:
    user, window_ms, kind = np.zeros((3, room), dtype=np.int64)
    return Columns(user, window_ms, kind, np.zeros((room, len(SIGNALS)), dtype=np.int64))


def _grown(columns: Columns, room: int) -> Columns:
    if len(columns.user) >= room:
        return columns
    larger = _empty(max(room, 2 * len(columns.user)))
    for old, new in zip(columns, larger, strict=True):
        new[: len(old)] = old
    return larger
