"""What follows from a layout agrees with a plain reading of its fields, for random layouts and records."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.settlement.book.layout import HASH_AHEAD
from processors.wire.layouts import Field, Layout, When, text, u8, u32

NUMBERS = {1: "<B", 2: "<H", 4: "<I", 8: "<q"}
SIZES = st.sampled_from([0, 1, 2, 3, 4, 8])


def packed(fields: tuple[Field, ...], record: Mapping[str, Any]) -> bytes:
    """The bytes of a record, field by field."""
    parts = []
    for field in fields:
        value = record[field.name]
        if field.size == 3:
            parts.append(struct.pack("<I", value)[:3])
        elif field.size:
            parts.append(struct.pack(NUMBERS[field.size], value))
        elif field.when is None or record[field.when.number] & field.when.mask == field.when.value:
            parts.append(struct.pack("<H", len(value)) + value)
    return b"".join(parts)


def value_of(size: int) -> st.SearchStrategy[Any]:
    return st.integers(0, 2 ** min(8 * size, 63) - 1) if size else st.binary(max_size=20)


@given(data=st.data(), sizes=st.lists(SIZES, min_size=1, max_size=6), start=st.integers(0, 9))
@settings(max_examples=8, deadline=None)
def test_putting_getting_and_skipping_follow_from_the_fields(data: st.DataObject, sizes: list[int], start: int) -> None:
    flag = u8("flag")
    fields = [Field(f"field_{number}", size) for number, size in enumerate(sizes)]
    fields += [flag, text("given", When("flag", 6, 2)), u32("after")]
    layout = Layout("random", *fields)
    record = {field.name: data.draw(value_of(field.size), label=field.name) for field in fields}
    expected, texts, arguments = packed(layout.fields, record), bytearray(), {}
    for field in fields:
        value = record[field.name]
        arguments[field.name] = value if field.size else (len(texts), len(texts) + len(value))
        texts += b"" if field.size else value
    out = np.zeros(start + len(expected) + HASH_AHEAD, dtype=np.uint8)
    source = np.frombuffer(bytes(texts) + bytes(HASH_AHEAD), dtype=np.uint8).copy()
    end = layout.put()(out.ctypes.data, start, source.ctypes.data, **arguments)
    assert out[start:end].tobytes() == expected
    assert layout.bytes_min <= len(expected)
    assert len(expected) <= layout.bytes_max + len(texts)
    assert layout.end()(out, start) == end
    for number, field in enumerate(layout.fields):
        at = start + len(packed(layout.fields[:number], record))
        assert layout.place(field.name)(out, start) == at
        if field.size:
            assert layout.get(field.name)(out, start) == record[field.name]


def test_a_field_behind_a_text_has_no_fixed_offset() -> None:
    song = Layout("song", u32("plays"), text("title"), u8("is_live"))
    assert [song.offset(name) for name in ("plays", "title")] == [0, 4]
    with pytest.raises(ValueError, match="is_live of song has no fixed offset"):
        song.offset("is_live")


def test_a_number_at_a_fixed_offset_is_written_again_and_read_by_python() -> None:
    song = Layout("song", u8("is_live"), u32("plays"), text("title"))
    out = np.zeros(song.bytes_min + HASH_AHEAD, dtype=np.uint8)
    song.replace("plays")(out.ctypes.data, 0, 70_000)
    assert (song.reader("plays")(out.tobytes()), song.reader("is_live")(out.tobytes())) == (70_000, 0)
