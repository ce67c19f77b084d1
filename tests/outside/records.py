"""Records as anybody may send them: what stands beside the value is as odd as it can be."""

import time

from hypothesis import strategies as st

from schemas.codec import encode
from schemas.dead_letters import HEADER_ATTEMPT, HEADER_NAMES, HEADER_PREFIX
from streams.exactly_once.records.produced import Produced
from streams.reading.header_names import ESCAPED
from tests.builders import impression, stream_end

NOT_UTF8 = "r\udce9gion"

PAGE = (
    b'{"type": "impression.v1", "event_id": "case-1", "user_id": "zo\\u00eb", "event_ms": %d, "shelves": '
    b'[{"shelf_id": "s", "cards": ["c"], "propensities": [1.0], "seen": [0]}]}'
)


def page_with_an_odd_name() -> Produced:
    """A valid page of this moment, its user id escaped, with a header whose name is not UTF-8."""
    value = PAGE % (time.time_ns() // 1_000_000)
    return Produced("impressions", "zo\u00eb".encode(), value, [(NOT_UTF8, b"eu")])


def letter_with_a_null_attempt() -> Produced:
    """No message, and a header that has the name of one of ours."""
    return Produced("impressions", b"k", b"{", [(HEADER_ATTEMPT, None)])


NAMES = st.one_of(
    st.binary(max_size=8).map(lambda name: name.decode(errors=ESCAPED)),
    st.sampled_from([NOT_UTF8, *HEADER_NAMES, f"{HEADER_PREFIX}x", "", "trace"]),
)
HEADER_VALUES = st.one_of(
    st.none(),
    st.binary(max_size=8),
    st.sampled_from([b"", b"9" * 5_000, b"-1", b"1", b"\xff", b"impressions", b"empty"]),
)
HEADERS = st.lists(st.tuples(NAMES, HEADER_VALUES), max_size=9)
STAMPS = st.sampled_from([-1, 0, 1, 1_700_000_000_000, 2**62, -(2**62), 2**63 - 1, -(2**63)]) | st.integers(0, 2**41)
KEYS = st.sampled_from([b"u1", b"u2", None, b"", b"\xff", b"u" * 300]) | st.binary(max_size=4)
VALUES = st.sampled_from(
    [
        encode(impression()),
        encode(impression(user_id="u2", event_id="\u00e9", event_ms=1_700_000_000_000)),
        encode(stream_end()),
        encode(stream_end(user_id="u2", event_ms=1_700_000_060_000)),
        b"{", b"",
    ]
)  # fmt: skip
"""None of them is null: with a key that asks to be forgotten."""
