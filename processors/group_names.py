"""Editors' names for card groups: each follows its cards through refits and generations, and a restart."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from processors.arrays import FloatArray
from processors.cocluster.model.labels import carried_names
from schemas.learning import CardGroupName

PREFIX = b"n/"


class _Named(Struct, array_like=True):
    given: CardGroupName
    group: int | None  # its present group; None if its cards are scattered


class GroupNames:
    """Names by the key of their record.

    A name is accepted if it was given for the present generation; later it follows its cards. Read again after a
    restart, it is recognised and keeps its present group.

    >>> import numpy as np
    >>> names = GroupNames(); names.generation = 1
    >>> names.put("0", CardGroupName(group=0, generation=1, name="Sleep"), 1); names.current()
    {0: 'Sleep'}
    >>> names.follow(2, np.array([[0.1, 0.9], [1.0, 0.0]])); names.current()
    {1: 'Sleep'}
    >>> names.put("0", None, 2); names.current()
    {}
    """

    def __init__(self) -> None:
        self.generation = 0
        self.out_of_date_count = 0
        self._named: dict[str, _Named] = {}
        self._changed: set[str] = set()

    def put(self, key: str, message: CardGroupName | None, generation: int) -> None:
        """Apply a name, or remove it (None); one for another generation is counted and ignored."""
        known = self._named.get(key)
        if message is None:
            if known is not None:
                del self._named[key]
                self._changed.add(key)
        elif known is None or known.given != message:
            if message.generation != generation:
                self.out_of_date_count += 1
                return
            for other in [name for name, named in self._named.items() if named.group == message.group]:
                self._named[other].group = None
                self._changed.add(other)
            self._named[key] = _Named(message, message.group)
            self._changed.add(key)

    def follow(self, generation: int, card_overlap: FloatArray) -> None:
        """Move names to a new generation; rows of the overlap [old, new] are P(new | old)."""
        if generation == self.generation:
            return
        carried = {name: group for group, name in carried_names(self.current(), card_overlap).items()}
        for key, named in self._named.items():
            named.group = carried.get(named.given.name) if named.group is not None else None
            self._changed.add(key)
        self.generation = generation

    def current(self) -> dict[int, str]:
        """Names by the present number of their group."""
        return {named.group: named.given.name for named in self._named.values() if named.group is not None}

    def changed_rows(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Rows of names that have changed since the last call."""
        changed, self._changed = sorted(self._changed), set()
        for key in changed:
            named = self._named.get(key)
            yield PREFIX + key.encode(), None if named is None else msgspec.json.encode(named)

    def adopt(self, key: bytes, value: bytes) -> bool:
        """Restore a row; False if it is not one of these."""
        if not key.startswith(PREFIX):
            return False
        self._named[key[len(PREFIX) :].decode()] = msgspec.json.decode(value, type=_Named)
        return True
