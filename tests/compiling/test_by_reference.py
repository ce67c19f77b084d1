"""Named tuples by reference: compiled code reads the fields of the tuple that Python passed, also of nested ones."""

import sys
from typing import NamedTuple

import numpy as np
import pytest

from processors.arrays import IntArray
from processors.compiled import borrowing, by_reference, compiled


@by_reference
class Inside(NamedTuple):
    values: IntArray
    factor: int


@by_reference
class Outside(NamedTuple):
    one: Inside
    other: Inside
    square: IntArray


@borrowing
def add_up(inside: Inside) -> int:
    total = 0
    for value in inside.values:
        total += value
    return int(total * inside.factor)


@borrowing
def put_sums(outside: Outside, row: int) -> int:
    outside.square[row, 0], outside.square[row, 1] = add_up(outside.one), add_up(outside.other)
    return add_up(outside.one) - add_up(outside.other)


@compiled
def longer(inside: Inside) -> IntArray:
    """Creates an array, so that references are counted."""
    out = np.zeros(len(inside.values) + 1, np.int64)
    for index in range(len(inside.values)):
        out[index] = inside.values[index]
    return out


def test_fields_are_those_that_python_passed() -> None:
    one, other = Inside(np.arange(4), 10), Inside(np.arange(3), 1)
    square = np.zeros((2, 2), np.int64)
    assert put_sums(Outside(one, other, square), 1) == 57
    assert put_sums(Outside(other, one, square), 0) == -57
    assert square.tolist() == [[3, 60], [60, 3]]


def test_arrays_outlive_the_call() -> None:
    values = np.arange(3)
    made = [longer(Inside(values, 1)) for _ in range(1_000)]
    assert all(one.tolist() == [0, 1, 2, 0] for one in made)
    assert values.tolist() == [0, 1, 2]


def test_a_call_keeps_no_array() -> None:
    one, other, square = Inside(np.arange(4), 10), Inside(np.arange(3), 1), np.zeros((2, 2), np.int64)
    outside, arrays = Outside(one, other, square), (one.values, other.values, square)
    put_sums(outside, 0), longer(one)
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(100):
        put_sums(outside, 0)
        add_up(other)
        longer(one)
    assert [sys.getrefcount(array) for array in arrays] == before


def test_other_types_of_fields_are_another_version() -> None:
    assert add_up(Inside(np.arange(4, dtype=np.int32), 2)) == add_up(Inside(np.arange(4), 2)) == 12


def test_a_missing_field_is_an_error_of_compilation() -> None:
    @borrowing
    def wrong(inside: Inside) -> int:
        return len(inside.missing)  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="missing"):
        wrong(Inside(np.arange(1), 1))
