"""Names to dense numbers and back, as keyed rows."""

from collections.abc import Iterable, Iterator

import numpy as np

from processors.cocluster.arrays import IntArray


class Interner:
    """Gives every name the next number, for ever; its rows begin with a prefix of its own.

    >>> users = Interner(b"u/"); users.ids_of(["ann", "bob", "ann"]).tolist()
    [0, 1, 0]
    >>> again = Interner(b"u/"); [again.adopt(*row) for row in users.changed_rows()], again.name_of(1)
    ([True, True], 'bob')
    """

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self._number: dict[str, int] = {}
        self._name: list[str] = []
        self._written_count = 0

    def ids_of(self, names: Iterable[str]) -> IntArray:
        """Numbers of these names; new ones are made."""
        numbers = []
        for name in names:
            number = self._number.get(name)
            if number is None:
                number = self._number[name] = len(self._name)
                self._name.append(name)
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)

    def name_of(self, number: int) -> str:
        """The name that has this number."""
        return self._name[number]

    def all_ids(self) -> IntArray:
        """All numbers given so far."""
        return np.arange(len(self._name), dtype=np.int64)

    def all_names(self) -> list[str]:
        """All names, by their numbers."""
        return list(self._name)

    def changed_rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Rows of the names that are new since the last call."""
        for number in range(self._written_count, len(self._name)):
            yield self.prefix + str(number).encode(), self._name[number].encode()
        self._written_count = len(self._name)

    def adopt(self, key: bytes, value: bytes) -> bool:
        """Take over a row, in any order; false where it is none of this interner's."""
        if not key.startswith(self.prefix):
            return False
        number, name = int(key[len(self.prefix) :]), value.decode()
        self._name.extend([""] * (number + 1 - len(self._name)))
        self._name[number] = name
        self._number[name] = number
        self._written_count = max(self._written_count, number + 1)
        return True
