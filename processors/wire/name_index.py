"""Looks up numbers of names by their bytes, in batches: a hash table of arrays, compiled.

It is a copy for speed: the owner of the names inserts them, and rebuilds the index (`NameIndex.of`) when it is full.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from processors.arrays import IntArray
from processors.compiled import by_reference, compiled, fused
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of, byte_at, copy_words

NAMES_MIN, BYTES_A_NAME = 1_024, 24
_SLOTS_A_NAME = 4

_encode = msgspec.json.Encoder().encode


@by_reference
class _Table(NamedTuple):
    """Names by number [c], and slots that contain a number plus one, or 0 if free."""

    text: IntArray  # uint8
    spans: IntArray  # int64 [c, 2], in `text`; empty for a number without a name
    codes: IntArray  # uint64 [c], hashes
    slots: IntArray  # int64 [s]
    used: IntArray  # int64 [2], bytes and slots in use


class NameIndex:
    """Names with their numbers; names are given as JSON writes them between quotes.

    >>> index = NameIndex.of(["ann", None, "bob"])
    >>> data = np.frombuffer(b"bob ann cid" + bytes(8), dtype=np.uint8)
    >>> index.find(data, np.array([[0, 3], [4, 7], [8, 11]])).tolist()
    [2, 0, -1]
    """

    def __init__(self, names: int, text_bytes: int) -> None:
        size = max(NAMES_MIN, names)
        self._table = _Table(
            text=np.zeros(max(text_bytes, size * BYTES_A_NAME) + 8, dtype=np.uint8),
            spans=np.zeros((size, 2), dtype=np.int64),
            codes=np.zeros(size, dtype=np.uint64),
            slots=np.zeros(1 << (_SLOTS_A_NAME * size - 1).bit_length(), dtype=np.int64),
            used=np.zeros(2, dtype=np.int64),
        )

    @classmethod
    def of(cls, names: Sequence[str | None]) -> "NameIndex":
        """An index of these names by position, with room for as many again."""
        texts = [b"" if name is None else json_of(name) for name in names]
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        spans = np.stack((np.concatenate((np.zeros(1, np.int64), ends))[:-1], ends), axis=1)
        present = np.array([name is not None for name in names], dtype=np.bool_)
        data = np.frombuffer(b"".join(texts) + bytes(8), dtype=np.uint8)
        index = cls(2 * len(names), 2 * len(data))
        assert index.put(np.flatnonzero(present), data, spans[present]), "there is room"
        return index

    def find(self, data: IntArray, spans: IntArray) -> IntArray:
        """Numbers [n] of names, given as spans [n, 2] of bytes; -1 for an unknown name."""
        return _find(data, spans, self._table)

    def put(self, numbers: IntArray, data: IntArray, spans: IntArray) -> bool:
        """Assign numbers [n] to names [n, 2]; returns whether there was room for all."""
        return _put(numbers, data, spans, self._table)

    def remove(self, number: int) -> None:
        """Remove the name of this number."""
        if number < len(self._table.spans):
            self._table.spans[number] = 0


def json_of(name: str) -> bytes:
    r"""A name as JSON writes it between quotes.

    >>> json_of('a"b')
    b'a\\"b'
    """
    return _encode(name)[1:-1]


def name_of(text: bytes) -> str:
    r"""Inverse of `json_of`.

    >>> name_of(rb'a\"b')
    'a"b'
    """
    return msgspec.json.decode(b'"%s"' % text, type=str) if b"\\" in text else text.decode()


@compiled
def _find(data: IntArray, spans: IntArray, table: _Table) -> IntArray:
    numbers = np.empty(len(spans), dtype=np.int64)
    text = address_of(data)
    for index in range(len(spans)):
        start, end = spans[index]
        numbers[index] = table.slots[_slot_of(text, start, end, hash_of(text, start, end), table)] - 1
    return numbers


@compiled
def _put(numbers: IntArray, data: IntArray, spans: IntArray, table: _Table) -> bool:
    text = address_of(data)
    for index in range(len(spans)):
        number = numbers[index]
        start, end, begin, slots = spans[index, 0], spans[index, 1], table.used[0], table.used[1]
        last = begin + end - start
        if last + 8 > len(table.text) or 2 * slots > len(table.slots) or number >= len(table.spans):
            return False
        code = hash_of(text, start, end)
        slot = _slot_of(text, start, end, code, table)
        if table.slots[slot] == number + 1:
            continue
        copy_words(address_of(table.text), begin, text, start, end)
        table.slots[slot], table.codes[number] = number + 1, code
        table.spans[number, 0], table.spans[number, 1] = begin, last
        table.used[0], table.used[1] = last, slots + 1
    return True


@fused
def _slot_of(text: int, start: int, end: int, code: np.uint64, table: _Table) -> int:
    """Slot of this name, or the free slot for it; slots whose number has another name by now are skipped."""
    most = len(table.slots) - 1
    slot = np.int64(code) & most
    while table.slots[slot]:
        number = table.slots[slot] - 1
        begin = table.spans[number, 0]
        if table.codes[number] == code and table.spans[number, 1] - begin == end - start:
            place = 0
            while place < end - start and byte_at(text, start + place) == table.text[begin + place]:
                place += 1
            if place == end - start:
                return int(slot)
        slot = (slot + 1) & most
    return int(slot)
