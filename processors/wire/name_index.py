"""Looks up numbers of names by their bytes, in batches: a hash table of arrays, compiled.

It is a copy for speed: the owner of the names inserts them, and rebuilds the index (`NameIndex.of`) when it is full.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from processors.arrays import Address, IntArray, Offset
from processors.compiled import by_reference, compiled, fused
from processors.wire import hash_index
from processors.wire.batch import joined
from processors.wire.hash_index import new_index, with_entries
from processors.wire.hashing import hash_of
from processors.wire.loads import address_of, byte_at, copy_words

NAMES_MIN, BYTES_A_NAME = 1_024, 24

_encode = msgspec.json.Encoder().encode


@by_reference
class _Table(NamedTuple):
    """Names by number [c], and an index of them."""

    text: IntArray  # uint8
    spans: IntArray  # int64 [c, 2], in `text`; empty for a number without a name
    entries: IntArray  # see `hash_index`; may name numbers that have another name by now
    used: IntArray  # int64 [2], bytes and entries in use


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
            entries=with_entries(new_index(), 2 * size),
            used=np.zeros(2, dtype=np.int64),
        )

    @classmethod
    def of(cls, names: Sequence[str | None]) -> "NameIndex":
        """An index of these names by position, with room for as many again."""
        texts = [b"" if name is None else json_of(name) for name in names]
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        spans = np.stack((np.concatenate((np.zeros(1, np.int64), ends))[:-1], ends), axis=1)
        present = np.array([name is not None for name in names], dtype=np.bool_)
        data = joined([*texts, bytes(8)])
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
        start, end = spans[index, 0], spans[index, 1]
        numbers[index] = _number_of(text, start, end, hash_of(text, start, end), table)
    return numbers


@compiled
def _put(numbers: IntArray, data: IntArray, spans: IntArray, table: _Table) -> bool:
    text = address_of(data)
    for index in range(len(spans)):
        number = numbers[index]
        start, end, begin, used = spans[index, 0], spans[index, 1], table.used[0], table.used[1]
        last = begin + end - start
        if last + 8 > len(table.text) or 2 * used > len(table.entries) or number >= len(table.spans):
            return False
        key = hash_of(text, start, end)
        if _number_of(text, start, end, key, table) == number:
            continue
        copy_words(address_of(table.text), begin, text, start, end)
        hash_index.put(table.entries, key, number)
        table.spans[number, 0], table.spans[number, 1] = begin, last
        table.used[0], table.used[1] = last, used + 1
    return True


@fused
def _number_of(origin: Address, start: Offset, end: Offset, key: np.uint64, table: _Table) -> int:
    """Number of this name; -1 if it is unknown."""
    at = hash_index.candidate(table.entries, key, hash_index.home(table.entries, key))
    while at != hash_index.NOWHERE:
        number = hash_index.place_in(table.entries, at)
        begin = table.spans[number, 0]
        if table.spans[number, 1] - begin == end - start:
            place = 0
            while place < end - start and byte_at(origin, start + place) == table.text[begin + place]:
                place += 1
            if place == end - start:
                return number
        at = hash_index.candidate(table.entries, key, at + 1)
    return -1
