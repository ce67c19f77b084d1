"""A scan finds an id wherever our topics can hold it, and takes no other name for it."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from schemas.codec import encode
from schemas.composite_keys import SURFACE_SEPARATOR, joined
from schemas.rankings import ranking_key
from streams.forgetting.traces import SURE_BYTES, Traces
from tests.builders import impression, stream_end

IDS = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())
LONG_IDS = st.text(min_size=SURE_BYTES, max_size=40).filter(lambda text: text.isprintable())
PLAIN = st.text("abcXYZ0189._-", min_size=1, max_size=12)


@given(IDS, st.sampled_from(["home", "search", "a@b%"]))
@example("a@search", "home")
@example('say "hi" \\', "search")
def test_an_id_is_found_in_keys_values_and_headers(user_id: str, surface: str) -> None:
    traces, name = Traces([user_id]), user_id.encode()
    assert traces.in_record(ranking_key(user_id, surface).encode(), None)
    assert traces.in_record(None, encode(impression(user_id=user_id)))
    assert traces.in_record(None, json.dumps({"user_id": user_id}).encode()), "escaped, as many clients write"
    assert traces.in_record(None, None, [("who", name)])
    assert traces.in_record(None, None, [(user_id, None)])
    assert traces.in_state(b"u/12", name), "the learner's names"


@given(PLAIN, PLAIN)
def test_no_other_id_is_taken_for_it(one: str, other: str) -> None:
    traces = Traces([one])
    is_same = one == other
    assert traces.in_record(joined((other, "search"), SURFACE_SEPARATOR).encode(), None) == (is_same or one == "search")
    assert traces.in_record(None, b'["%b"]' % other.encode()) == is_same
    assert traces.in_state(b"l/" + other.encode(), b"\x00\x01") == is_same
    assert traces.in_state(b"u/7", other.encode()) == is_same


@given(LONG_IDS, st.binary(max_size=30), st.binary(max_size=30))
def test_a_long_id_is_found_among_any_bytes(user_id: str, before: bytes, after: bytes) -> None:
    assert Traces(["somebody else", user_id]).in_row(before + b"\x00" + user_id.encode() + after)


@given(IDS.filter(lambda user_id: user_id not in {"c1", "i1", "s1", "home", "default", "unknown"}))
def test_every_row_of_a_listeners_state_is_found(user_id: str) -> None:
    listeners = Listeners(ListenersSettings(), source="listeners/0")
    listeners.impressions([(0, impression(user_id=user_id))])
    listeners.stream_ends([(0, stream_end(user_id=user_id))])
    listeners.conclude()
    rows = [(key, value) for key, value in listeners.changed_rows() if key[:2] in {b"l/", b"i/"}]
    assert len(rows) == 2
    assert all(Traces([user_id]).in_state(key, value) for key, value in rows)
