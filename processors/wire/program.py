"""Message types as a program for the compiled reader: one int64 array, parts of it named by where they begin.

Everything in it is a word of eight bytes, and every place a number of bytes from the beginning. A *node* is a value, a
*table* an object (a row for each key), a *store* what a field gets that is left out, a *check* one rule.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np

from processors.cocluster.arrays import IntArray
from processors.wire.nodes import Field, Kind, Node, members_of, tree_of
from schemas.rules import AscendingPlaces, Distinct, NotAbove, Places, Rule, SameLength, SumsToOne, ZeroUnless

WORD = 8


def _words(count: int) -> Iterator[int]:
    return iter(range(0, WORD * count, WORD))


NODE_WORDS = 11
KIND, NULLABLE, LOW, HIGH, LOW_REAL, HIGH_REAL, OPEN, COLUMN, BELOW, COUNTER, EXACT = _words(NODE_WORDS)
"""A node. `BELOW` is the element of a list or the table of an object, `COUNTER` the column that counts a list's
elements, `OPEN` 1 for an open lower bound and 2 for an open upper one, `EXACT` whether its doubles are wanted. Of a
tag, `BELOW` is where its text stands and `HIGH` how many bytes it has, with its quotes."""

TABLE_WORDS = 4
FIELDS, REQUIRED, CHECKS, CHECK_COUNT = _words(TABLE_WORDS)
"""A table; `REQUIRED` has a bit for each field that must be there. Rows of the fields follow."""

FIELD_WORDS = 12
KEY, MASK, KEY_BYTES, FIELD_NODE, STORES, STORE_COUNT = 0, 4 * WORD, *(WORD * word for word in (8, 9, 10, 11))
"""A row: the key with its second quote and a mask of the bytes that belong to it, four words each."""

STORE_WORDS = 5
STORE_COLUMN, STORE_AS, STORE_FIRST, STORE_SECOND, STORE_REAL = _words(STORE_WORDS)
"""What a field gets that is left out; a text is told by where it stands in the program's own text."""

CHECK_WORDS = 3
CHECK_OP, CHECK_FIRST, CHECK_SECOND = _words(CHECK_WORDS)
"""A rule between two nodes of an object."""

AS_TEXT, AS_NULL_TEXT, AS_NUMBER, AS_REAL, AS_LIST = range(5)
SAME_LENGTH, ASCENDING_PLACES, PLACES, DISTINCT, NOT_ABOVE, ZERO_UNLESS, SUMS_TO_ONE = range(7)
_OPS: dict[type[Rule], int] = {
    SameLength: SAME_LENGTH, AscendingPlaces: ASCENDING_PLACES, Places: PLACES, Distinct: DISTINCT,
    NotAbove: NOT_ABOVE, ZeroUnless: ZERO_UNLESS, SumsToOne: SUMS_TO_ONE,
}  # fmt: skip

NULL_NUMBER = -(2**63)
"""What stands in a column of numbers for null."""

KEY_BYTES_MAX, FIELDS_MAX = 32, 62


class ColumnOf(NamedTuple):
    """A column of one member type; what is not kept is read, checked, and overwritten by the next record.

    `has_doubles` says whether the doubles of reals are wanted besides their text.
    """

    member: int
    path: str
    kind: Kind
    is_kept: bool
    has_doubles: bool

    @property
    def is_repeated(self) -> bool:
        """Whether a record may have several of it."""
        return "[]" in self.path

    @property
    def width(self) -> int:
        """Words of a value: a span has two."""
        return 2 if self.kind in (Kind.TEXT, Kind.REAL, Kind.MAPPING) else 1


@dataclass(frozen=True, eq=False)
class Program:
    """`roots` are the nodes of the member types; `texts` stands behind the last value of a batch, for defaults."""

    words: IntArray
    roots: IntArray
    columns: tuple[ColumnOf, ...]
    texts: bytes
    exact: frozenset[str]

    @cached_property
    def repeated(self) -> IntArray:
        """Numbers of the columns of which a record may have several values."""
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
        """Words of a value of each column, with those of its double."""
        return np.array([one.width + one.has_doubles for one in self.columns], dtype=np.int64)

    def _which(self, name: str) -> IntArray:
        return np.array([at for at, one in enumerate(self.columns) if getattr(one, name)], dtype=np.int64)

    def column(self, path: str, member: int = 0) -> int:
        """The number of a column."""
        return next(at for at, one in enumerate(self.columns) if (one.member, one.path) == (member, path))


def program_of(message: Any, keep: Iterable[str], exact: Iterable[str] = ()) -> Program:
    """The program that reads a Struct, or a union of them, into the columns `keep`, by path.

    Reals are kept as their text; those of `exact` as doubles as well.
    """
    writer = _Writer(frozenset(keep), frozenset(exact))
    roots = [writer.root(number, tree_of(member)) for number, member in enumerate(members_of(message))]
    known, asked = {column.path for column in writer.columns}, writer.keep | writer.exact
    if not asked <= known:
        raise ValueError(f"{sorted(asked - known)} are no columns; known are {sorted(known)}")
    words, places = np.array(writer.words, dtype=np.int64), np.array(roots, dtype=np.int64)
    return Program(words, places, tuple(writer.columns), bytes(writer.texts), writer.exact)


class _Writer:
    def __init__(self, keep: frozenset[str], exact: frozenset[str]) -> None:
        self.keep, self.exact = keep, exact
        self.words: list[int] = []
        self.columns: list[ColumnOf] = []
        self.texts = bytearray()
        self._member = 0
        self._columns: dict[Node, int] = {}

    def root(self, member: int, tree: Node) -> int:
        self._member = member
        for node in tree.all():
            if node.is_column:
                self._columns[node] = len(self.columns)
                is_kept = any(below.path in self.keep | self.exact for below in node.all())
                has_doubles = node.kind is Kind.REAL and (node.path in self.exact or _is_summed(tree, node))
                self.columns.append(ColumnOf(member, node.path, node.kind, is_kept, has_doubles))
        return self._node(tree)

    def _room(self, words: int) -> int:
        place = WORD * len(self.words)
        self.words += [0] * words
        return place

    def _put(self, place: int, **named: int) -> None:
        for name, value in named.items():
            self.words[(place + globals()[name]) // WORD] = value

    def _node(self, node: Node) -> int:
        place = self._room(NODE_WORDS)
        self._put(place, KIND=node.kind, NULLABLE=node.nullable)
        if node.kind is Kind.REAL:
            bits = {"LOW_REAL": _bits(node.low), "HIGH_REAL": _bits(node.high)}
            self._put(place, **bits, OPEN=node.low_is_open + 2 * node.high_is_open, EXACT=node.path in self.exact)
        else:
            self._put(place, LOW=int(node.low), HIGH=int(node.high))
        if node.kind is Kind.OBJECT:
            self._put(place, BELOW=self._table(node))
            return place
        if node.kind is Kind.TAG:
            self._put(place, BELOW=self._literal(_quoted(node.word)), HIGH=len(_quoted(node.word)))
            return place
        self._put(place, COLUMN=self._columns[node])
        if node.element is not None:
            self._put(place, BELOW=self._node(node.element), COUNTER=self._counter(node.element))
        return place

    def _counter(self, node: Node) -> int:
        """The column that grows by one with each such value: one that is kept, where there is any."""
        if node.kind is not Kind.OBJECT:
            return self._columns[node]
        numbers = [self._counter(field.node) for field in filter(_holds_a_value, node.fields)]
        return next((number for number in numbers if self.columns[number].is_kept), numbers[0])

    def _literal(self, text: bytes) -> int:
        words = _as_words(text, -(-len(text) // WORD))
        place = self._room(len(words))
        self.words[place // WORD :] = words
        return place

    def _table(self, node: Node) -> int:
        if len(node.fields) > FIELDS_MAX:
            raise TypeError(f"{node.path}: an object of more than {FIELDS_MAX} fields")
        place = self._room(TABLE_WORDS + FIELD_WORDS * len(node.fields))
        required = sum(field.required << number for number, field in enumerate(node.fields))
        self._put(place, FIELDS=len(node.fields), REQUIRED=required)
        nodes = {}
        for number, field in enumerate(node.fields):
            nodes[field.name] = self._row(place + WORD * (TABLE_WORDS + FIELD_WORDS * number), field)
        self._checks(place, node.rules, nodes)
        return place

    def _row(self, row: int, field: Field) -> int:
        key = _quoted(field.name)[1:]
        if len(key) > KEY_BYTES_MAX or b"\\" in key:
            raise TypeError(f"{field.name}: a key of more than {KEY_BYTES_MAX - 1} bytes, or with an escape")
        at = row // WORD
        self.words[at : at + 8] = _as_words(key, 4) + _as_words(b"\xff" * len(key), 4)
        node = self._node(field.node)
        self._put(row, KEY_BYTES=len(key), FIELD_NODE=node)
        if not field.required:
            stores = list(self._stores(field.node, field.default))
            start = self._room(STORE_WORDS * len(stores))
            self.words[start // WORD :] = [word for store in stores for word in store]
            self._put(row, STORES=start, STORE_COUNT=len(stores))
        return node

    def _stores(self, node: Node, value: Any) -> Iterator[tuple[int, int, int, int, int]]:
        """What a value of this node is in columns."""
        if node.kind is Kind.OBJECT:
            for field in filter(_holds_a_value, node.fields):
                yield from self._stores(field.node, getattr(value, field.node.path.rpartition(".")[2]))
            return
        column = self._columns[node]
        if node.kind is Kind.LIST:
            if node.element is None or len(value):
                raise TypeError(f"{node.path}: no reader knows a default that is no empty list")
            yield column, AS_LIST, self._counter(node.element), 0, 0
        elif node.kind in (Kind.WHOLE, Kind.TRUTH):
            yield column, AS_NUMBER, NULL_NUMBER if value is None else int(value), 0, 0
        elif value is None:
            yield column, AS_NULL_TEXT if node.kind is Kind.TEXT else AS_REAL, -1, -1, _bits(float("nan"))
        else:
            text = msgspec.json.encode(value)
            start, end = self._text(text[1:-1] if node.kind is Kind.TEXT else text)
            is_real = node.kind is Kind.REAL
            yield column, AS_REAL if is_real else AS_TEXT, start, end, _bits(value) if is_real else 0

    def _text(self, text: bytes) -> tuple[int, int]:
        start = len(self.texts)
        self.texts += text + b"\0"
        return start, start + len(text)

    def _checks(self, table: int, rules: Sequence[Rule], nodes: dict[str, int]) -> None:
        start = self._room(CHECK_WORDS * len(rules))
        self._put(table, CHECKS=start, CHECK_COUNT=len(rules))
        for number, rule in enumerate(rules):
            names = [nodes[getattr(rule, name)] for name in rule.__struct_fields__]
            at = start // WORD + CHECK_WORDS * number
            self.words[at : at + CHECK_WORDS] = [_OPS[type(rule)], names[0], names[-1]]


def _is_summed(tree: Node, real: Node) -> bool:
    """Whether a rule adds these up."""
    return any(
        real in field.node.all()
        for node in tree.all()
        for rule in node.rules
        if isinstance(rule, SumsToOne)
        for field in node.fields
        if field.name == rule.name
    )


def _holds_a_value(field: Field) -> bool:
    return field.node.kind is not Kind.TAG


def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)


def _as_words(text: bytes, count: int) -> list[int]:
    words: list[int] = np.frombuffer(text.ljust(WORD * count, b"\0"), dtype="<i8").tolist()
    return words


def _bits(value: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits
