"""Compiles a message type to a program: nodes, tables, stores and checks in the layout of `program`."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from processors.wire.nodes import Field, Kind, Node, members_of, tree_of
from processors.wire.program import (
    AS_LIST,
    AS_NULL_TEXT,
    AS_NUMBER,
    AS_REAL,
    AS_TEXT,
    ASCENDING_PLACES,
    BELOW,
    CHECK_COUNT,
    CHECK_WORDS,
    CHECKS,
    COLUMN,
    COUNTER,
    DISTINCT,
    EXACT,
    FIELD_NODE,
    FIELD_WORDS,
    FIELDS,
    HIGH,
    HIGH_REAL,
    KEY_BYTES,
    KIND,
    LOW,
    LOW_REAL,
    NODE_WORDS,
    NONE_OR_SAME_LENGTH,
    NOT_ABOVE,
    NULL_NUMBER,
    NULLABLE,
    OPEN,
    PLACES,
    REQUIRED,
    SAME_LENGTH,
    STORE_COUNT,
    STORE_WORDS,
    STORES,
    SUMS_TO_ONE,
    TABLE_WORDS,
    WORD,
    ZERO_UNLESS,
    ColumnOf,
    Program,
)
from schemas.rules import (
    AscendingPlaces,
    Distinct,
    NoneOrSameLength,
    NotAbove,
    Places,
    Rule,
    SameLength,
    SumsToOne,
    ZeroUnless,
)

_OPS: dict[type[Rule], int] = {
    SameLength: SAME_LENGTH, AscendingPlaces: ASCENDING_PLACES, Places: PLACES, Distinct: DISTINCT,
    NotAbove: NOT_ABOVE, ZeroUnless: ZERO_UNLESS, SumsToOne: SUMS_TO_ONE, NoneOrSameLength: NONE_OR_SAME_LENGTH,
}  # fmt: skip


KEY_BYTES_MAX, FIELDS_MAX = 32, 62


def program_of(message: Any, keep: Iterable[str], exact: Iterable[str] = ()) -> Program:
    """The program that reads a Struct, or a union of them, into the columns `keep`, by path.

    Reals are kept as text; those of `exact` as doubles as well. Raises `TypeError` for an unsupported type, and
    `ValueError` for a path without a column.
    """
    writer = _Writer(frozenset(keep), frozenset(exact))
    trees = [tree_of(member) for member in members_of(message)]
    if others := [node.word for tree in trees for node in tree.all() if node.kind is Kind.OTHER]:
        raise TypeError("; ".join(others))
    roots = [writer.root(number, tree) for number, tree in enumerate(trees)]
    known, asked = {column.path for column in writer.columns}, writer.keep | writer.exact
    if not asked <= known:
        raise ValueError(f"{sorted(asked - known)} are not columns; columns are {sorted(known)}")
    words, places = np.array(writer.words, dtype=np.int64), np.array(roots, dtype=np.int64)
    depth = max(tree.depth for tree in trees)
    return Program(words, places, tuple(writer.columns), bytes(writer.texts), writer.exact, depth)


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

    def _put(self, place: int, *words: tuple[int, int]) -> None:
        for shift, value in words:
            self.words[(place + shift) // WORD] = value

    def _node(self, node: Node) -> int:
        place = self._room(NODE_WORDS)
        self._put(place, (KIND, node.kind), (NULLABLE, node.nullable))
        if node.kind is Kind.REAL:
            bits = {LOW_REAL: _bits(node.low), HIGH_REAL: _bits(node.high)}
            self._put(
                place, *bits.items(), (OPEN, node.low_is_open + 2 * node.high_is_open), (EXACT, node.path in self.exact)
            )
        else:
            self._put(place, (LOW, int(node.low)), (HIGH, int(node.high)))
        if node.kind is Kind.OBJECT:
            self._put(place, (BELOW, self._table(node)))
            return place
        if node.kind is Kind.TAG:
            self._put(place, (BELOW, self._literal(_quoted(node.word))), (HIGH, len(_quoted(node.word))))
            return place
        self._put(place, (COLUMN, self._columns[node]))
        if node.element is not None:
            self._put(place, (BELOW, self._node(node.element)), (COUNTER, self._counter(node.element)))
        return place

    def _counter(self, node: Node) -> int:
        """The column that grows by one with each such value: preferably one that is kept."""
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
            raise TypeError(f"{node.path}: objects of more than {FIELDS_MAX} fields are not supported")
        place = self._room(TABLE_WORDS + FIELD_WORDS * len(node.fields))
        required = sum(field.required << number for number, field in enumerate(node.fields))
        self._put(place, (FIELDS, len(node.fields)), (REQUIRED, required))
        nodes = {}
        for number, field in enumerate(node.fields):
            nodes[field.name] = self._row(place + WORD * (TABLE_WORDS + FIELD_WORDS * number), field)
        self._checks(place, node.rules, nodes)
        return place

    def _row(self, row: int, field: Field) -> int:
        key = _quoted(field.name)[1:]
        if len(key) > KEY_BYTES_MAX or b"\\" in key:
            raise TypeError(
                f"{field.name}: keys of more than {KEY_BYTES_MAX - 1} bytes, or with an escape, are not supported"
            )
        at = row // WORD
        self.words[at : at + 8] = _as_words(key, 4) + _as_words(b"\xff" * len(key), 4)
        node = self._node(field.node)
        self._put(row, (KEY_BYTES, len(key)), (FIELD_NODE, node))
        if not field.required:
            stores = list(self._stores(field.node, field.default))
            start = self._room(STORE_WORDS * len(stores))
            self.words[start // WORD :] = [word for store in stores for word in store]
            self._put(row, (STORES, start), (STORE_COUNT, len(stores)))
        return node

    def _stores(self, node: Node, value: Any) -> Iterator[tuple[int, int, int, int, int]]:
        """The stores that append a value of this node to columns."""
        if node.kind is Kind.OBJECT:
            for field in filter(_holds_a_value, node.fields):
                yield from self._stores(field.node, getattr(value, field.node.path.rpartition(".")[2]))
            return
        column = self._columns[node]
        if node.kind is Kind.LIST:
            if node.element is None or len(value):
                raise TypeError(f"{node.path}: only an empty list is supported as default of a list")
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
        self._put(table, (CHECKS, start), (CHECK_COUNT, len(rules)))
        for number, rule in enumerate(rules):
            names = [nodes[getattr(rule, name)] for name in rule.__struct_fields__]
            at = start // WORD + CHECK_WORDS * number
            self.words[at : at + CHECK_WORDS] = [_OPS[type(rule)], names[0], names[-1]]


def _is_summed(tree: Node, real: Node) -> bool:
    """Whether a rule sums these values."""
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
