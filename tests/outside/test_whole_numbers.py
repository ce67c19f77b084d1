"""`1.7e12` is an integer: in every integer field, for the reader of bytes, for msgspec and for the auditor alike."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.wire.batch import Column
from processors.wire.impressions import read_impressions
from processors.wire.stream_ends import read_stream_ends
from schemas.codec import UnreadableError, decode, encode
from schemas.impressions import Impression
from streams.auditing.own_messages import decoded
from streams.replaying.event_lines import read_lines
from tests.builders import impression, stream_end

NOW_MS = 1_700_000_000_000
EVENTS = {
    "impressions": impression(event_ms=NOW_MS, cards=("c1", "c2")),
    "stream-ends": stream_end(started_ms=NOW_MS - 60_000, event_ms=NOW_MS),
}
FORMS = ("%.1f", "%.12e", "%r.000", "%.12E")


@pytest.mark.parametrize("topic", EVENTS)
@pytest.mark.parametrize("form", FORMS)
def test_all_readers_take_a_whole_float_for_an_integer(topic: str, form: str, tmp_path: Path) -> None:
    message = EVENTS[topic]
    value = _dumped(json.loads(encode(message)), form)
    assert decode(topic, value) == message
    assert decoded(topic, value) == decoded(topic, encode(message))
    read: Any = read_impressions if topic == "impressions" else read_stream_ends
    columns = read(Column.of([value]), Column.of([b"u1"]), np.array([NOW_MS]), lambda _: encode(decode(topic, value)))
    assert columns.event_ms.tolist() == [NOW_MS]
    file, rejected = tmp_path / "events.jsonl", Counter[str]()
    file.write_bytes(value + b"\n" + value.replace(b'"event_ms":', b'"event_ms":1.5,"was":') + b"\n")
    assert list(read_lines(file, rejected)) == [message], "what is replayed from a file is what a worker would take"
    assert rejected.total() == 1


def _dumped(body: Any, form: str) -> bytes:
    """JSON with integers in this form."""
    if isinstance(body, bool | str) or body is None:
        return json.dumps(body).encode()
    if isinstance(body, int):
        return (form % body).encode()
    if isinstance(body, float):
        return repr(body).encode()
    if isinstance(body, list):
        return b"[" + b",".join(_dumped(one, form) for one in body) + b"]"
    return b"{" + b",".join(json.dumps(key).encode() + b":" + _dumped(one, form) for key, one in body.items()) + b"}"


@given(st.sampled_from(["1.5", "-1.0", "1e300", "1e-3", "9.3e18", "NaN", "1.", "true", '"1.0"']))
def test_what_is_no_whole_number_or_out_of_range_is_still_refused(number: str) -> None:
    value = encode(EVENTS["impressions"]).replace(b'"event_ms":%d' % NOW_MS, b'"event_ms":' + number.encode())
    with pytest.raises(UnreadableError):
        decode("impressions", value)


def test_a_propensity_may_be_a_whole_number() -> None:
    value = encode(impression()).replace(b"[1.0]", b"[1]").replace(b'"event_ms":0', b'"event_ms":0.0')
    message: Impression = decode("impressions", value)
    assert message.shelves[0].propensities == (1.0,)
