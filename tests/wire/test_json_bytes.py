"""Numbers, truths and strings are written as JSON has them, and nothing beside them is touched."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.wire.checked_memory import hold
from processors.wire.json_bytes import put_null, put_real, put_string, put_truth, put_whole
from processors.wire.loads import WORD

EDGES = [edge for digits in range(1, 19) for edge in (10**digits - 1, 10**digits, 10**digits + 7)]
BEFORE = 3


def put(writer: object, *arguments: object) -> bytes:
    out = np.full(64, 7, dtype=np.uint8)
    end = writer(hold(out), BEFORE, *arguments)  # type: ignore[operator]
    assert (out[:BEFORE] == 7).all()
    assert (out[end + WORD :] == 7).all()
    return out[BEFORE:end].tobytes()


@pytest.mark.parametrize("value", [0, *EDGES, 2**63 - 1])
def test_a_whole_number_is_written_with_all_its_digits(value: int) -> None:
    assert put(put_whole, value) == str(value).encode()
    assert put(put_whole, -value) == str(-value).encode()


@given(st.floats(-9e9, 9e9), st.sampled_from((6, 9)))
def test_a_real_is_read_back_as_it_was_rounded(value: float, decimals: int) -> None:
    rounded = float(np.round(value, decimals))
    text = put(put_real, rounded, decimals)
    assert json.loads(text) == rounded
    assert len(text.partition(b".")[2]) <= decimals


@pytest.mark.parametrize("value", [0, 1])
def test_truths_and_null_are_words(value: int) -> None:
    assert json.loads(put(put_truth, value)) is bool(value)
    assert put(put_null) == b"null"


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9])
def test_a_string_stands_between_quotes(length: int) -> None:
    data = np.arange(65, 90, dtype=np.uint8)
    assert put(put_string, hold(data), 2, 2 + length) == b'"' + data[2 : 2 + length].tobytes() + b'"'
