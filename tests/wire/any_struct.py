"""Structs of any shape that readers know, messages of them, and what columns of a message have to be."""

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any

import msgspec
import numpy as np
from hypothesis import strategies as st
from msgspec import Meta, Struct, inspect

from processors.wire.cursor import COUNT_MAX
from processors.wire.nodes import Kind, Node, members_of, tree_of
from processors.wire.program import NULL_NUMBER
from processors.wire.reader import Shredded
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
    obey,
)

NAMES = ("a", "bc", "user_id", "a_name_of_24_characters", "second_reasons_1")
ROOT = ""


class Base(Struct, frozen=True, kw_only=True):
    """Obeys its rules; a Struct that is defined on the fly takes them from its namespace."""

    def __post_init__(self) -> None:
        obey(self)


TEXTS = st.sampled_from((str, Annotated[str, Meta(min_length=1, max_length=4)]))
WHOLES = st.sampled_from(
    (int, Annotated[int, Meta(ge=0)], Annotated[int, Meta(gt=-5, lt=7)], Annotated[int, Meta(ge=0, le=2**40)])
)
_BOUNDS: tuple[dict[str, float], ...] = ({"ge": 0.0, "le": 1.0}, {"gt": 0.0, "lt": 0.5}, {"ge": -2})
REALS = st.sampled_from((float, *(Annotated[float, Meta(**bounds)] for bounds in _BOUNDS)))
SCALARS = st.one_of(TEXTS, WHOLES, REALS, st.just(bool))


@st.composite
def structs(draw: st.DrawFn, depth: int = 2, name: str = "S", *, is_tagged: bool | None = None) -> type[Struct]:
    """A Struct of one to five fields: scalars that may be null or left out, mappings, lists, and Structs."""
    fields: list[Any] = []
    for field in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)):
        scalar = draw(SCALARS)
        choice = draw(st.integers(0, 6 if depth else 4))
        if choice == 1:
            fields.append((field, scalar | None, None))
        elif choice == 2:
            fields.append((field, scalar, msgspec.convert(draw(values_of(scalar)), scalar)))
        elif choice == 3:
            fields.append((field, dict[str, str], msgspec.field(default_factory=dict)))
        elif choice == 4:
            element = draw(st.sampled_from((scalar, scalar | None, tuple[scalar, ...])))  # type: ignore[valid-type]
            fields.append((field, tuple[element, ...], *draw(st.sampled_from(((), ((),))))))
        elif choice == 5:
            fields.append((field, draw(structs(depth - 1, f"{name}{field}"))))
        elif choice == 6:
            fields.append((field, tuple[draw(structs(depth - 1, f"{name}{field}")), ...]))  # type: ignore[misc]
        else:
            fields.append((field, scalar))
    tag = f"{name}.v1" if draw(st.booleans()) or is_tagged else None
    rules = tuple(draw(st.lists(st.sampled_from(_rules(fields)), max_size=3))) if _rules(fields) else ()
    return msgspec.defstruct(
        name, fields, bases=(Base,), namespace={"rules": rules}, frozen=True, kw_only=True, tag=tag,
        tag_field="type" if tag else None,
    )  # fmt: skip


def _rules(fields: list[Any]) -> list[Rule]:
    """Rules that these fields may have."""
    wholes = [name for name, kind, *_ in fields if _is_whole(kind)]
    lists = [name for name, kind, *_ in fields if getattr(kind, "__origin__", None) is tuple]
    of = {name: kind.__args__[0] for name, kind, *_ in fields if name in lists}
    numbers = [name for name in lists if _is_whole(of[name])]
    texts = [name for name in lists if _plain(of[name]) is str]
    reals = [name for name in lists if float in (_plain(of[name]), _plain(getattr(of[name], "__args__", (0,))[0]))]
    rules: list[Rule] = [Distinct(name) for name in texts]
    rules += [SumsToOne(name) for name in reals if not _is_union(of[name])]
    rules += [kind(*pair) for pair in pairwise(wholes) for kind in (NotAbove, ZeroUnless)]
    for one in lists:
        rules += [kind(one, other) for other in lists if other != one for kind in (SameLength, NoneOrSameLength)]
        rules += [kind(name, one) for name in numbers if name != one for kind in (AscendingPlaces, Places)]
    return rules


def _plain(kind: Any) -> Any:
    return getattr(kind, "__origin__", kind)


def _is_union(kind: Any) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def _is_whole(kind: Any) -> bool:
    return _plain(kind) is int and not _is_union(kind)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values as JSON has them, most of them valid."""
    return _values(inspect.type_info(kind))


def _values(info: Any) -> st.SearchStrategy[Any]:
    return _STRATEGIES[type(info)](info)


def _texts(info: inspect.StrType) -> st.SearchStrategy[Any]:
    return st.text('ab"\\é語😀\x00 ', min_size=info.min_length or 0, max_size=info.max_length or 6)


def _wholes(info: inspect.IntType) -> st.SearchStrategy[Any]:
    low, high = (-(2**62) if info.ge is None else info.ge), (2**62 if info.le is None else info.le)
    low, high = max(low, -4 if info.gt is not None else low), min(high, 6 if info.lt is not None else high)
    return st.one_of(st.integers(max(low, 0), min(high, 3)), st.integers(low, high))


def _reals(info: inspect.FloatType) -> st.SearchStrategy[Any]:
    low, high = (-1e300 if info.ge is None else info.ge), (1e300 if info.le is None else info.le)
    if info.gt is not None:
        low, high = 1e-9, 0.499
    return st.one_of(st.just(max(low, 0.25)), st.floats(low, high), st.integers(1, 9).map(lambda one: one / 20))


def _objects(info: inspect.StructType) -> st.SearchStrategy[Any]:
    fields = {one.encode_name: _values(one.type) for one in info.fields}
    if info.tag is not None:
        fields = {str(info.tag_field): st.just(info.tag), **fields}
    return st.fixed_dictionaries(fields)


_STRATEGIES: dict[Any, Callable[[Any], st.SearchStrategy[Any]]] = {
    inspect.UnionType: lambda info: st.one_of(*map(_values, info.types)),
    inspect.NoneType: lambda _: st.none(),
    inspect.StrType: _texts,
    inspect.IntType: _wholes,
    inspect.FloatType: _reals,
    inspect.BoolType: lambda _: st.booleans(),
    inspect.DictType: lambda _: st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    inspect.VarTupleType: lambda info: st.lists(_values(info.item_type), max_size=4),
    inspect.StructType: _objects,
}


def columns_of(message: Any, messages: list[Any]) -> dict[tuple[int, str], list[Any]]:
    """What the columns of these messages are, by the definition: values in order, and of lists where each begins."""
    columns: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for number, member in enumerate(members_of(message)):
        tree = tree_of(member)
        for node in tree.all():
            if node.kind is Kind.LIST:
                columns[number, node.path] = [0]
            elif node.is_column:
                columns[number, node.path] = []
        for one in messages:
            if isinstance(one, member):
                _shred(columns, number, tree, one)
    return dict(columns)


def _shred(columns: dict[tuple[int, str], list[Any]], member: int, node: Node, value: Any) -> None:
    if node.kind is Kind.OBJECT:
        for field in node.fields:
            if field.node.kind is not Kind.TAG:
                _shred(columns, member, field.node, getattr(value, field.name))
    elif node.kind is Kind.LIST:
        assert node.element is not None
        for one in value:
            _shred(columns, member, node.element, one)
        columns[member, node.path].append(columns[member, node.path][-1] + len(value))
    elif node.kind is Kind.WHOLE and value is not None:  # numbers of more than 62 bits stand as the largest
        columns[member, node.path].append(max(-COUNT_MAX, min(value, COUNT_MAX)))
    else:
        columns[member, node.path].append(value)


def told_by(shredded: Shredded, message: Any) -> dict[tuple[int, str], list[Any]]:
    """What columns tell, as plain values."""
    kinds = {
        (number, node.path): node.kind
        for number, member in enumerate(members_of(message))
        for node in tree_of(member).all()
        if node.is_column
    }
    return {place: _values_in(shredded, place, kind) for place, kind in kinds.items()}


def _values_in(shredded: Shredded, place: tuple[int, str], kind: Kind) -> list[Any]:
    values = shredded.values[place]
    if kind in (Kind.WHOLE, Kind.LIST):
        return [None if one == NULL_NUMBER else one for one in values.tolist()]
    if kind is Kind.TRUTH:
        return [None if one == NULL_NUMBER else bool(one) for one in values.tolist()]
    spans = [None if start < 0 else shredded.data[start:end].tobytes() for start, end in values.tolist()]
    if kind is Kind.TEXT:
        return [None if span is None else msgspec.json.decode(b'"%s"' % span) for span in spans]
    told = [None if span is None else msgspec.json.decode(span) for span in spans]
    if kind is Kind.REAL:
        doubles = [None if np.isnan(one) else one for one in shredded.reals[place].tolist()]
        assert doubles == [None if one is None else float(one) for one in told]
    return told
