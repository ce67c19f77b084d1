"""The structure of a message type as a tree: every scalar leaf is a column, every list a column of offsets.

This is record shredding as in Dremel (Melnik et al., VLDB 2010) and Arrow, derived from the type hints of a Struct,
their `Meta` bounds, its defaults and its `rules`. Paths name columns: `shelves[].cards[]` are the elements of the list
`shelves[].cards`, which is a field of the elements of the list `shelves`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
from msgspec import inspect

from schemas.rules import Rules

INT_MAX = 2**63 - 1
LENGTH_MAX = 2**31
REAL_MAX = sys.float_info.max


class Kind(IntEnum):
    """Kind of a value. The first five are leaves; a tag tells the type of an object.

    `OTHER` values cannot be read; a writer gets them as JSON.
    """

    TEXT, WHOLE, REAL, TRUTH, MAPPING, LIST, OBJECT, TAG, OTHER = range(9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """A value: `low` and `high` bound a number, or the characters of a text; `element` is that of a list.

    `word` is the required text of a tag; for `OTHER`, the reason why it cannot be read.
    """

    path: str
    kind: Kind
    nullable: bool = False
    low: float = 0
    high: float = INT_MAX
    low_is_open: bool = False
    high_is_open: bool = False
    element: "Node | None" = None
    fields: "tuple[Field, ...]" = ()
    word: str = ""
    rules: Rules = ()

    def all(self) -> "Iterator[Node]":
        """This node and all its descendants."""
        yield self
        for node in self._below():
            yield from node.all()

    def _below(self) -> "Iterator[Node]":
        if self.element is not None:
            yield self.element
        yield from (field.node for field in self.fields)

    @property
    def depth(self) -> int:
        """Maximum nesting of values."""
        return 1 + max((node.depth for node in self._below()), default=0)

    @property
    def is_column(self) -> bool:
        """Whether it has a column, of values or of offsets of its elements."""
        return self.kind <= Kind.LIST


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """A named value of an object, with its name in JSON."""

    name: str
    node: Node
    required: bool
    default: Any = None


def members_of(message: Any) -> tuple[type[msgspec.Struct], ...]:
    """The Struct types of a union, or this one."""
    return getattr(message, "__args__", (message,))


def tree_of(message: type[msgspec.Struct]) -> Node:
    """The tree of a Struct.

    >>> from schemas.stream_ends import StreamEnd
    >>> [node.path for node in tree_of(StreamEnd).all()][:4]
    ['', 'type', 'event_id', 'user_id']
    """
    return _node("", inspect.type_info(message))


def _node(path: str, info: Any) -> Node:
    nullable = isinstance(info, inspect.UnionType) and info.includes_none
    if nullable:
        infos = [one for one in info.types if not isinstance(one, inspect.NoneType)]
        if len(infos) != 1:
            return _other(path, "a field of several types")
        (info,) = infos
    node: Node = _NODES.get(type(info), _refused)(path, info, nullable)
    return node


def _refused(path: str, info: Any, nullable: bool) -> Node:
    return _other(path, f"{info}{' or null' if nullable else ''}")


def _other(path: str, what: str) -> Node:
    return Node(path=path, kind=Kind.OTHER, word=f"{path or 'the message'}: readers do not support {what}")


def _text(path: str, info: inspect.StrType, nullable: bool) -> Node:
    if info.pattern is not None:
        return _other(path, "patterns")
    high = LENGTH_MAX if info.max_length is None else info.max_length
    return Node(path=path, kind=Kind.TEXT, nullable=nullable, low=info.min_length or 0, high=high)


def _whole(path: str, info: inspect.IntType, nullable: bool) -> Node:
    if info.multiple_of is not None:
        return _other(path, "multiples")
    low = _first(info.ge, None if info.gt is None else info.gt + 1, -INT_MAX)
    high = _first(info.le, None if info.lt is None else info.lt - 1, INT_MAX)
    return Node(path=path, kind=Kind.WHOLE, nullable=nullable, low=low, high=high)


def _real(path: str, info: inspect.FloatType, nullable: bool) -> Node:
    if info.multiple_of is not None:
        return _other(path, "multiples")
    return Node(
        path=path,
        kind=Kind.REAL,
        nullable=nullable,
        low=_first(info.ge, info.gt, -REAL_MAX),
        high=_first(info.le, info.lt, REAL_MAX),
        low_is_open=info.gt is not None,
        high_is_open=info.lt is not None,
    )


def _truth(path: str, _: inspect.BoolType, nullable: bool) -> Node:
    return Node(path=path, kind=Kind.TRUTH, nullable=nullable)


def _mapping(path: str, info: inspect.DictType, nullable: bool) -> Node:
    is_plain = isinstance(info.key_type, inspect.StrType) and isinstance(info.value_type, inspect.StrType)
    bounds = (getattr(one, name) for one in (info.key_type, info.value_type) for name in ("min_length", "max_length"))
    if not is_plain or nullable or any(map(_is_there, (info.min_length, info.max_length, *bounds))):
        return _refused(path, info, nullable)
    return Node(path=path, kind=Kind.MAPPING)


def _list(path: str, info: inspect.VarTupleType, nullable: bool) -> Node:
    if nullable or info.min_length is not None or info.max_length is not None:
        return _refused(path, info, nullable)
    return Node(path=path, kind=Kind.LIST, element=_node(f"{path}[]", info.item_type))


def _object(path: str, info: inspect.StructType, nullable: bool) -> Node:
    if nullable or info.forbid_unknown_fields or info.array_like or not info.fields:
        return _refused(path, info, nullable)
    prefix = f"{path}." if path else ""
    fields = [
        Field(
            name=one.encode_name,
            node=_node(f"{prefix}{one.name}", one.type),
            required=one.required,
            default=None if one.required else _default_of(one),
        )
        for one in info.fields
    ]
    if info.tag is not None:
        tag = Node(path=f"{prefix}{info.tag_field}", kind=Kind.TAG, word=str(info.tag))
        fields.insert(0, Field(name=str(info.tag_field), node=tag, required=True))
    return Node(path=path, kind=Kind.OBJECT, fields=tuple(fields), rules=getattr(info.cls, "rules", ()))


def _default_of(field: inspect.Field) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def _is_there(value: Any) -> bool:
    return value is not None


def _first(*bounds: float | None) -> float:
    """The bound that is present; msgspec accepts at most one on each side."""
    return next(bound for bound in bounds if bound is not None)


_NODES: Any = {
    inspect.StrType: _text,
    inspect.IntType: _whole,
    inspect.FloatType: _real,
    inspect.BoolType: _truth,
    inspect.DictType: _mapping,
    inspect.VarTupleType: _list,
    inspect.StructType: _object,
}
