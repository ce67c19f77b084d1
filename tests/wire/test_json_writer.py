"""Numbers and strings are written as JSON has them."""

import numpy as np
import pytest

from processors.wire.json_writer import put_string, put_whole

EDGES = [edge for digits in range(1, 19) for edge in (10**digits - 1, 10**digits, 10**digits + 7)]


@pytest.mark.parametrize("value", [0, *EDGES, 2**63 - 1])
def test_a_whole_number_is_written_with_all_its_digits_and_nothing_else(value: int) -> None:
    out = np.zeros(32, dtype=np.uint8)
    end = put_whole(out, 3, value)
    assert out[3:end].tobytes() == str(value).encode()
    assert not out[:3].any()
    assert not out[end:].any()


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9])
def test_a_string_stands_between_quotes(length: int) -> None:
    data, out = np.arange(65, 90, dtype=np.uint8), np.zeros(32, dtype=np.uint8)
    end = put_string(out, 1, data, 2, 2 + length)
    assert out[1:end].tobytes() == b'"' + data[2 : 2 + length].tobytes() + b'"'
