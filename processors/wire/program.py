"""Message types as a program for the compiled reader: one int64 array, whose parts are addressed by byte offset.

Everything in it is a word of eight bytes, and every reference an offset in bytes. A *node* describes a value, a *table*
an object (with a row for each key), a *store* the default of a missing field, a *check* one rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.wire.nodes import Kind

WORD = 8


def _words(count: int) -> Iterator[int]:
    return iter(range(0, WORD * count, WORD))


NODE_WORDS = 11
KIND, NULLABLE, LOW, HIGH, LOW_REAL, HIGH_REAL, OPEN, COLUMN, BELOW, COUNTER, EXACT = _words(NODE_WORDS)
"""A node. `BELOW` is the element of a list or the table of an object, `COUNTER` the column that counts a list's
elements, `OPEN` 1 for an open lower bound and 2 for an open upper one, `EXACT` whether its doubles are wanted. For a
tag, `BELOW` is the offset of its text and `HIGH` the number of its bytes, with quotes.
"""

TABLE_WORDS = 4
FIELDS, REQUIRED, CHECKS, CHECK_COUNT = _words(TABLE_WORDS)
"""A table; `REQUIRED` has a bit for each required field. The rows of the fields follow."""

FIELD_WORDS = 12
KEY, MASK, KEY_BYTES, FIELD_NODE, STORES, STORE_COUNT = 0, 4 * WORD, *(WORD * word for word in (8, 9, 10, 11))
"""A row: the key with its closing quote, and a mask of the bytes that belong to it, four words each."""

STORE_WORDS = 5
STORE_COLUMN, STORE_AS, STORE_FIRST, STORE_SECOND, STORE_REAL = _words(STORE_WORDS)
"""The default of a missing field; a text is given by its offset in the program's own text."""

CHECK_WORDS = 3
CHECK_OP, CHECK_FIRST, CHECK_SECOND = _words(CHECK_WORDS)
"""A rule between two nodes of an object."""

AS_TEXT, AS_NULL_TEXT, AS_NUMBER, AS_REAL, AS_LIST = range(5)
SAME_LENGTH, ASCENDING_PLACES, PLACES, DISTINCT, NOT_ABOVE, ZERO_UNLESS, SUMS_TO_ONE, NONE_OR_SAME_LENGTH = range(8)
NULL_NUMBER = -(2**63)
"""Represents null in a column of numbers."""


class ColumnOf(NamedTuple):
    """A column of one member type; one that is not kept is read, checked, and overwritten by the next record.

    `has_doubles` tells whether doubles of reals are wanted besides their text.
    """

    member: int
    path: str
    kind: Kind
    is_kept: bool
    has_doubles: bool

    @property
    def is_repeated(self) -> bool:
        """Whether a record may contain several values."""
        return "[]" in self.path

    @property
    def width(self) -> int:
        """Words per value: two for a span."""
        return 2 if self.kind in (Kind.TEXT, Kind.REAL, Kind.MAPPING) else 1


@dataclass(frozen=True, eq=False)
class Program:
    """`roots` are the nodes of the member types; `texts` are appended to the values of a batch, for defaults.

    `exact` are the paths of reals whose doubles are wanted, `depth` is the maximum nesting of values.
    """

    words: IntArray
    roots: IntArray
    columns: tuple[ColumnOf, ...]
    texts: bytes
    exact: frozenset[str]
    depth: int

    @cached_property
    def repeated(self) -> IntArray:
        """Numbers of the columns that may have several values per record."""
        return self._which("is_repeated")

    @cached_property
    def has_doubles(self) -> IntArray:
        """Numbers of the columns of reals whose doubles are wanted."""
        return self._which("has_doubles")

    @cached_property
    def lists(self) -> IntArray:
        """Numbers of the columns of offsets."""
        return np.array([at for at, one in enumerate(self.columns) if one.kind is Kind.LIST], dtype=np.int64)

    @cached_property
    def kept(self) -> list[int]:
        """Numbers of the columns that are kept."""
        return [at for at, one in enumerate(self.columns) if one.is_kept]

    @cached_property
    def passing(self) -> IntArray:
        """Numbers of the columns that are not kept."""
        return np.setdiff1d(np.arange(len(self.columns)), self.kept)

    @cached_property
    def words_a_value(self) -> IntArray:
        """Words per value of each column, including its double."""
        return np.array([one.width + one.has_doubles for one in self.columns], dtype=np.int64)

    def _which(self, name: str) -> IntArray:
        return np.array([at for at, one in enumerate(self.columns) if getattr(one, name)], dtype=np.int64)

    def column(self, path: str, member: int = 0) -> int:
        """Number of a column."""
        return next(at for at, one in enumerate(self.columns) if (one.member, one.path) == (member, path))
