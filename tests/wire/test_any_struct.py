"""Of any Struct the reader gives what msgspec gives, or leaves the record to it; it takes nothing msgspec refuses."""

import re
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from processors.wire.batch import Batch, Column
from processors.wire.nodes import members_of, tree_of
from processors.wire.reader import Reader
from schemas.outcomes import Outcome
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
from tests.wire.any_struct import Base, columns_of, structs, told_by, values_of
from tests.wire.odd_bytes import odd


def reader_of(message: Any) -> Reader:
    """A reader that keeps everything, exactly."""
    nodes = [node for member in members_of(message) for node in tree_of(member).all() if node.is_column]
    return Reader(message, keep=[node.path for node in nodes], exact=[node.path for node in nodes if node.kind == 2])


def agrees(message: Any, values: list[bytes]) -> list[bytes]:
    """Read, and compare with msgspec; what was declined of what msgspec takes."""
    decoder, reader = msgspec.json.Decoder(message), reader_of(message)

    def decoded(value: bytes) -> Any:
        try:
            return decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    messages = [decoded(value) for value in values]
    untrusted = np.zeros(len(values), dtype=np.bool_)
    nothing, times_ms = Column.none(len(values)), np.zeros(len(values), dtype=np.int64)
    shredded, declined = reader.read(Batch.of(Column.of(values), nothing, times_ms, untrusted, reader.texts))
    read = [messages[index] for index in shredded.record.tolist()]
    assert None not in read, [values[index] for index in shredded.record.tolist() if messages[index] is None]
    assert told_by(shredded, message) == columns_of(message, read)
    assert len(read) + len(declined) == len(values)
    slowly = reader.read_unkeyed(values, lambda index: messages[index] and msgspec.json.encode(messages[index]))
    assert told_by(slowly, message) == columns_of(message, [one for one in messages if one is not None])
    return [values[index] for index in declined.tolist() if messages[index] is not None]


@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_any_struct_is_read_as_msgspec_reads_it(data: st.DataObject, seed: int) -> None:
    message = data.draw(structs())
    bodies = data.draw(st.lists(values_of(message), min_size=1, max_size=4))
    random, values = Random(seed), [msgspec.json.encode(body) for body in bodies]
    agrees(message, [*values, *(odd(value, random) for value in values for _ in range(8))])


@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_union_is_read_by_its_tags(data: st.DataObject, seed: int) -> None:
    first, second = data.draw(structs(1, "First", is_tagged=True)), data.draw(structs(1, "Second", is_tagged=True))
    bodies = data.draw(st.lists(st.one_of(values_of(first), values_of(second)), min_size=1, max_size=6))
    random, values = Random(seed), [msgspec.json.encode(body) for body in bodies]
    agrees(first | second, [*values, *(odd(value, random) for value in values for _ in range(4))])


@settings(max_examples=60)
@given(data=st.data())
def test_of_canonical_records_only_escapes_and_long_numbers_are_declined(data: st.DataObject) -> None:
    message = data.draw(structs())
    decoder, values = msgspec.json.Decoder(message), []
    for body in data.draw(st.lists(values_of(message), min_size=1, max_size=5)):
        with suppress(msgspec.ValidationError):
            values.append(msgspec.json.encode(decoder.decode(msgspec.json.encode(body))))
    assert [value for value in agrees(message, values) if not _ODD_FORM.search(value)] == []


_ODD_FORM = re.compile(rb"[\\]|[0-9.]{16}|[0-9]e")


LISTS = [("a", tuple[Annotated[int, Meta(ge=0)], ...]), ("b", tuple[Annotated[int, Meta(ge=0)], ...])]
NUMBERS = [("a", int), ("b", int)]
SMALL: dict[str, Callable[[Random], Any]] = {
    "lists": lambda random: {name: [random.randrange(4) for _ in range(random.randrange(5))] for name in "ab"},
    "numbers": lambda random: {name: random.randrange(-1, 3) for name in "ab"},
    "texts": lambda random: {"a": [random.choice("xyz") * random.choice((1, 9)) for _ in range(random.randrange(5))]},
    "shares": lambda random: {
        "a": random.choice(([], [0.5, 0.5], [0.25, 0.75], [1.0], [0.5], [0.3, 0.69], [2.0, -1.0]))
    },
    "lists of shares": lambda random: {"a": [random.choice(([], [0.5, 0.5], [1], [0.4])) for _ in range(3)]},
}
RULED: tuple[tuple[Rule, list[Any], str], ...] = (
    *(
        (rule("a", "b"), LISTS, "lists")
        for rule in (SameLength, NoneOrSameLength, AscendingPlaces, Places, NotAbove, ZeroUnless)
    ),
    *((rule("a", "b"), NUMBERS, "numbers") for rule in (NotAbove, ZeroUnless)),
    (Distinct("a"), [("a", tuple[str, ...])], "texts"),
    (SumsToOne("a"), [("a", tuple[float, ...])], "shares"),
    (SumsToOne("a"), [("a", tuple[tuple[float, ...], ...])], "lists of shares"),
)


@pytest.mark.parametrize(
    ("rule", "fields", "values"), RULED, ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_each_rule_is_seen_as_the_message_itself_sees_it(rule: Rule, fields: list[Any], values: str) -> None:
    message = msgspec.defstruct("Ruled", fields, bases=(Base,), namespace={"rules": (rule,)}, frozen=True, kw_only=True)
    random = Random(1)
    records = [msgspec.json.encode(SMALL[values](random)) for _ in range(2_000)]
    assert agrees(message, records) == []
    decoder, refused = msgspec.json.Decoder(message), 0
    for record in records:
        try:
            decoder.decode(record)
        except msgspec.ValidationError:
            refused += 1
    assert 0 < refused < len(records)


class _Unknown(Struct):
    what: msgspec.Raw


@pytest.mark.parametrize("kind", [dict[str, int], list[int], bytes, int | str, _Unknown, tuple[int, str]])
def test_what_no_reader_knows_is_refused_with_its_path(kind: Any) -> None:
    message = msgspec.defstruct("Odd", [("fine", int), ("odd", kind)])
    with pytest.raises(TypeError, match="odd"):
        Reader(message, keep=["fine"])


def test_a_column_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"\['card'\] are not columns"):
        Reader(Outcome, keep=["card"])


def test_a_column_that_outgrows_its_room_loses_nothing() -> None:
    message = msgspec.defstruct("Many", [("numbers", tuple[int, ...]), ("names", tuple[str, ...])])
    values = [b'{"numbers":[%s],"names":["a"]}' % b",".join([b"7"] * count) for count in (9, 5_000, 1, 20_000, 0, 3)]
    assert agrees(message, values * 3) == []
