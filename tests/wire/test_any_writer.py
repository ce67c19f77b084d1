"""Of any Struct the writer writes what msgspec writes, from the columns that a reader gives."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from processors.wire.column_writer import Writer
from processors.wire.nodes import Kind, tree_of
from processors.wire.reader import Reader, Shredded
from processors.wire.values import Texts, Values, lists, raws, reals, texts, truths, wholes
from schemas.interactions import Interactions
from tests.wire.any_struct import structs, values_of


def given_back(shredded: Shredded, message: type[Struct]) -> dict[str, Values]:
    """What a reader has read, as columns for a writer; reals and mappings as they were written."""
    columns = {}
    for node in tree_of(message).all():
        if not node.is_column:
            continue
        column = shredded.values_of(node.path)
        if node.kind is Kind.WHOLE:
            columns[node.path] = wholes(column)
        elif node.kind is Kind.TRUTH:
            columns[node.path] = truths(column)
        elif node.kind is Kind.LIST:
            columns[node.path] = lists(column[:-1], column[1:])
        else:
            spans = Texts(shredded.data, column[:, 0], column[:, 1])
            columns[node.path] = texts(spans) if node.kind is Kind.TEXT else raws(spans)
    return columns


def read(message: type[Struct], messages: list[Any]) -> Shredded:
    paths = [node.path for node in tree_of(message).all() if node.is_column]
    return Reader(message, keep=paths).read_messages(messages)


def reals_of(message: type[Struct]) -> frozenset[str]:
    return frozenset(node.path for node in tree_of(message).all() if node.kind is Kind.REAL)


def valid(message: type[Struct], bodies: list[Any]) -> list[Any]:
    """The messages among these, without numbers of more than 62 bits."""
    decoder, messages = msgspec.json.Decoder(message), []
    for body in bodies:
        try:
            messages.append(decoder.decode(msgspec.json.encode(body)))
        except msgspec.ValidationError:
            continue
    return messages


@settings(max_examples=150)
@given(data=st.data())
def test_any_struct_is_written_as_msgspec_writes_it(data: st.DataObject) -> None:
    message = data.draw(structs())
    messages = valid(message, data.draw(st.lists(values_of(message), min_size=1, max_size=5)))
    written = Writer(message, raw=reals_of(message)).write(len(messages), given_back(read(message, messages), message))
    assert [msgspec.json.decode(value, type=message) for value in written.values()] == messages
    assert written.values() == [msgspec.json.encode(one) for one in messages]


def test_what_many_rows_share_is_written_in_each_from_room_that_grows() -> None:
    count = 40_000
    named, rows = Texts.of(["ann", 'b"o', "語" * 100]), np.arange(count) % 3
    bounds = np.arange(0, count + 1, count // 4)
    columns = {name: lists(bounds[:-1], bounds[1:]) for name in Interactions.__struct_fields__[1:]}
    columns |= {f"{name}[]": texts(named, rows) for name in ("event_id", "user_id", "card_id")}
    columns |= {"event_ms[]": wholes(np.arange(count)), "played_ms[]": wholes(np.arange(3, dtype=np.int32), rows)}
    columns |= {"organic[]": truths(np.array([True, False, True]), rows), "source": texts(Texts.of("abcd"))}
    written = Writer(Interactions).write(4, columns)
    messages = [msgspec.json.decode(value, type=Interactions) for value in written.values()]
    assert [message.source for message in messages] == list("abcd")
    together = [one for message in messages for one in message.interactions()]
    names = ["ann", 'b"o', "語" * 100]
    assert [one.user_id for one in together] == [names[row % 3] for row in range(count)]
    assert [(one.event_ms, one.played_ms, one.organic) for one in together] == [
        (row, row % 3, row % 3 != 1) for row in range(count)
    ]
    assert written.longest == max(map(len, written.values()))
    part = Writer(Interactions).write(2, columns, first=1)
    assert part.values() == written.values()[1:3]


class Measured(Struct, frozen=True):
    """A message with reals of every kind."""

    one: float
    many: tuple[float, ...]
    deep: tuple[tuple[float, ...], ...]


def measured(value: float, decimals: int = 6) -> list[bytes]:
    column, twice = reals(np.array([value]), decimals), np.zeros(2, dtype=np.int64)
    columns = {"one": column, "many[]": column, "deep[][]": reals(np.array([value]), decimals, twice)}
    once, all_twice = lists(np.array([0]), np.array([1])), lists(np.array([0]), np.array([2]))
    return Writer(Measured).write(1, {**columns, "many": once, "deep": once, "deep[]": all_twice}).values()


@given(st.floats(-9e9, 9e9), st.sampled_from((6, 9)))
def test_reals_are_read_back_as_they_were_rounded(value: float, decimals: int) -> None:
    rounded = float(np.round(value, decimals))
    (written,) = measured(rounded, decimals)
    assert msgspec.json.decode(written, type=Measured) == Measured(rounded, (rounded,), ((rounded, rounded),))


@pytest.mark.parametrize("value", [1e10, -1e300, float("nan"), float("inf")])
def test_a_real_that_has_no_room_is_refused_with_its_row(value: float) -> None:
    with pytest.raises(ValueError, match="Measured: row 0 has a real that is not finite or too large"):
        measured(value)


def test_columns_that_are_not_those_of_the_message_are_refused_by_name() -> None:
    writer, numbers = Writer(Measured, raw=["many"], root=""), wholes(np.zeros(1, dtype=np.int64))
    given_columns = {"one": reals(np.zeros(1), 6), "many": raws(Texts.of_json([b"[]"]))}
    with pytest.raises(TypeError, match=r"Measured needs a column 'deep'"):
        writer.write(1, given_columns)
    with pytest.raises(TypeError, match=r"column 'one' of Measured holds integers, not reals"):
        writer.write(1, {**given_columns, "one": numbers})
    empty = lists(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    every = {**given_columns, "deep": empty, "deep[]": empty, "deep[][]": reals(np.zeros(1), 6)}
    with pytest.raises(TypeError, match=r"Measured has no column \['three', 'two'\]"):
        writer.write(1, {**every, "two": numbers, "three": numbers})
    with pytest.raises(ValueError, match=r"Measured has no path \['two'\]"):
        Writer(Measured, raw=["two"])
    with pytest.raises(ValueError, match="6 or 9 decimals, not 7"):
        reals(np.zeros(1), 7)
