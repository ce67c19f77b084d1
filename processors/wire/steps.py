"""Derives the steps that write a record of a message type from its Struct: literals between values of columns."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import numpy as np

from processors.arrays import IntArray
from processors.wire.assembly import (
    EACH,
    LEAVES,
    LIST,
    LITERAL,
    NEXT,
    RAW,
    REAL,
    STEP_WORDS,
    TEXT,
    TRUTH,
    VALUE,
    WHOLE,
)
from processors.wire.loads import WORD
from processors.wire.nodes import Kind, Node, tree_of

_KINDS = {
    Kind.TEXT: TEXT, Kind.WHOLE: WHOLE, Kind.REAL: REAL, Kind.TRUTH: TRUTH, Kind.MAPPING: RAW, Kind.OTHER: RAW,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """`words` [s, STEP_WORDS] for compiled code; `kinds` are the kinds of the columns by path, in order."""

    words: IntArray
    literals: IntArray
    kinds: dict[str, int]
    depth: int


def steps_of(message: type[msgspec.Struct], raw: Collection[str] = (), root: str = "") -> Steps:
    """The steps that write a message, or the value at path `root` of it.

    Values at the paths `raw` are passed as JSON, whatever their type, and so are values of unsupported types. Raises
    `ValueError` for a path that the message does not have.
    """
    nodes = {node.path: node for node in tree_of(message).all()}
    if unknown := {root, *raw} - nodes.keys():
        raise ValueError(f"{message.__name__} has no path {sorted(unknown)}; paths are {sorted(nodes)}")
    deriving = _Deriving(frozenset(raw))
    deriving.value(nodes[root])
    return deriving.steps(nodes[root].depth)


class _Deriving:
    def __init__(self, raw: frozenset[str]) -> None:
        self._raw = raw
        self._steps: list[list[int]] = []
        self._literals = bytearray()
        self._kinds: dict[str, int] = {}

    def steps(self, depth: int) -> Steps:
        literals = np.frombuffer(bytes(self._literals) + bytes(WORD), dtype=np.uint8)
        words = np.array(self._steps, dtype=np.int64).reshape(-1, STEP_WORDS)
        return Steps(words=words, literals=literals, kinds=self._kinds, depth=depth)

    def value(self, node: Node) -> None:
        if node.path in self._raw:
            self._steps.append([VALUE, self._column(node, RAW), 0])
        elif node.kind is Kind.TAG:
            self._literal(msgspec.json.encode(node.word))
        elif node.kind is Kind.OBJECT:
            self._object(node)
        elif node.element is not None:
            self._list(node, node.element)
        else:
            self._steps.append([VALUE, self._column(node, _KINDS[node.kind]), 0])

    def _object(self, node: Node) -> None:
        for number, field in enumerate(node.fields):
            self._literal(b"%b%b:" % (b"," if number else b"{", msgspec.json.encode(field.name)))
            self.value(field.node)
        self._literal(b"}")

    def _list(self, node: Node, element: Node) -> None:
        column = self._column(node, LIST)
        if element.path in self._raw or element.kind in _KINDS:
            kind = RAW if element.path in self._raw else _KINDS[element.kind]
            self._steps.append([LEAVES, column, self._column(element, kind)])
            return
        each = [EACH, column, 0]
        self._steps.append(each)
        self.value(element)
        self._steps.append([NEXT, 0, 0])
        each[-1] = len(self._steps)

    def _column(self, node: Node, kind: int) -> int:
        self._kinds[node.path] = kind
        return len(self._kinds) - 1

    def _literal(self, text: bytes) -> None:
        """Add a literal, merged with a directly preceding one: no step jumps in between."""
        start = len(self._literals)
        self._literals += text
        if not self._steps or self._steps[-1][0] != LITERAL:
            self._steps.append([LITERAL, start, start])
        self._steps[-1][2] = len(self._literals)
