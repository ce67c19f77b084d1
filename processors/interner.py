"""Maps names to dense numbers and back, persisted as keyed rows; numbers of released names are reused."""

import heapq
from collections.abc import Iterable, Iterator

import numpy as np

from processors.arrays import IntArray
from processors.wire.name_index import NameIndex, name_of


class Interner:
    """Assigns each name the lowest free number; the keys of its rows begin with a prefix.

    >>> users = Interner(b"u/"); users.ids_of(["ann", "bob", "ann"]).tolist()
    [0, 1, 0]
    >>> again = Interner(b"u/"); [again.adopt(*row) for row in users.changed_rows()], again.name_of(1)
    ([True, True], 'bob')
    >>> users.release([0]); users.ids_of(["cid", "bob", "dan"]).tolist(), len(users)
    ([0, 1, 2], 3)
    """

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self._number: dict[str, int] = {}
        self._name: list[str | None] = []
        self._free: list[int] | None = []  # a heap; None if not computed yet
        self._changed: set[int] = set()
        self._index: NameIndex | None = None  # None if outdated

    def __len__(self) -> int:
        """Number of names."""
        return len(self._number)

    def ids_of(self, names: Iterable[str]) -> IntArray:
        """Numbers of these names; new ones are assigned."""
        number = self._number
        return np.array([number[name] if name in number else self._new(name) for name in names], dtype=np.int64)

    def ids_in(self, data: IntArray, spans: IntArray) -> IntArray:
        """Numbers [n] of names in spans [n, 2] of JSON bytes; new ones are assigned.

        The data must extend eight bytes beyond the last span.

        >>> data = np.frombuffer(b"bob,ann" + bytes(8), dtype=np.uint8); users = Interner(b"u/")
        >>> users.ids_in(data, np.array([[0, 3], [4, 7], [0, 3]])).tolist(), users.name_of(0)
        ([0, 1, 0], 'bob')
        """
        if self._index is None:
            self._index = NameIndex.of(self._name)
        ids = self._index.find(data, spans)
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            some = spans[unknown]
            ids[unknown] = self.ids_of([name_of(data[start:end].tobytes()) for start, end in some.tolist()])
            if not self._index.put(ids[unknown], data, some):
                self._index = None
        return ids

    def release(self, numbers: Iterable[int]) -> None:
        """Release these numbers, which may be reused."""
        for number in numbers:
            del self._number[self.name_of(number)]
            self._name[number] = None
            self._changed.add(number)
            if self._index is not None:
                self._index.remove(number)
        self._free = None

    def find(self, name: str) -> int | None:
        """The number of a name, if it has one."""
        return self._number.get(name)

    def name_of(self, number: int) -> str:
        """The name of this number."""
        name = self._name[number]
        assert name is not None, f"number {number} has been released"
        return name

    def all_ids(self) -> IntArray:
        """All numbers in use, ascending."""
        return np.array([number for number, name in enumerate(self._name) if name is not None], dtype=np.int64)

    def all_names(self) -> list[str]:
        """All names, by their numbers."""
        return [name for name in self._name if name is not None]

    def changed_rows(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Rows of numbers assigned or released since the last call."""
        changed, self._changed = sorted(self._changed), set()
        for number in changed:
            name = self._name[number]
            yield self.prefix + str(number).encode(), None if name is None else name.encode()

    def adopt(self, key: bytes, value: bytes) -> bool:
        """Restore a row, in any order; False if it is not one of this interner."""
        if not key.startswith(self.prefix):
            return False
        number, name = int(key[len(self.prefix) :]), value.decode()
        self._name.extend([None] * (number + 1 - len(self._name)))
        self._name[number] = name
        self._number[name] = number
        self._free = self._index = None
        return True

    def _new(self, name: str) -> int:
        if self._free is None:
            self._free = [number for number, known in enumerate(self._name) if known is None]
        if self._free:
            number = heapq.heappop(self._free)
            self._name[number] = name
        else:
            number = len(self._name)
            self._name.append(name)
        self._number[name] = number
        self._changed.add(number)
        return number
