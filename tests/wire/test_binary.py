"""Bytes are copied by words: what is within a span comes over, and only the room after it is touched."""

import numpy as np
import pytest

from processors.wire.binary import get_int, put_int, put_text, text_end
from processors.wire.loads import WORD, address_of, copy_words

TEXT = np.arange(1, 65, dtype=np.uint8)


@pytest.mark.parametrize("start", [0, 3, 8])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17])
def test_a_copy_takes_its_span_and_leaves_alone_what_is_beyond_its_room(start: int, length: int) -> None:
    at, out = 5, np.zeros(64, dtype=np.uint8)
    end = copy_words(address_of(out), at, address_of(TEXT), start, start + length)
    assert end == at + length
    assert out[at:end].tolist() == TEXT[start : start + length].tolist()
    assert not out[:at].any()
    assert not out[end + WORD - 1 :].any()


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_an_integer_takes_no_more_than_its_bytes(size: int) -> None:
    value, out = (1 << (8 * size - 1)) - 1, np.full(24, 255, dtype=np.uint8)
    assert put_int(address_of(out), 3, value, size) == 3 + size
    assert get_int(out, 3, size) == value
    assert out[3 : 3 + size].tobytes() == value.to_bytes(size, "little")
    assert (out[:3] == 255).all()
    assert (out[3 + size :] == 255).all()


def test_texts_stand_one_after_another() -> None:
    out, at = np.zeros(64, dtype=np.uint8), 1
    spans = [(0, 0), (4, 13), (10, 18)]
    for start, end in spans:
        at = put_text(address_of(out), at, address_of(TEXT), start, end)
    at = 1
    for start, end in spans:
        after = text_end(out, at)
        assert out[at + 2 : after].tolist() == TEXT[start:end].tolist()
        at = after
