"""Compiled readers read a record exactly as the reference does, or leave it to the reference."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.wire.impressions import impressions_of
from processors.wire.stream_ends import stream_ends_of
from schemas.codec import VALUE_BYTES_MAX, encode
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from tests.builders import impression, stream_end
from tests.wire.messages import impressions, stream_ends
from tests.wire.odd_bytes import odd
from tests.wire.told import Carried, Slowly, expected, read, told_by, told_of

TOPICS: dict[str, st.SearchStrategy[Any]] = {"impressions": impressions(), "stream-ends": stream_ends()}
SENT: dict[str, Callable[..., Any]] = {"impressions": impression, "stream-ends": stream_end}
OF: dict[str, Callable[..., Any]] = {"impressions": impressions_of, "stream-ends": stream_ends_of}


def no_slow_lane(index: int) -> bytes | None:
    raise AssertionError(f"record {index} was declined")


def agrees(topic: str, records: Sequence[Carried]) -> Slowly:
    """Read and compare with the reference."""
    slowly = Slowly(topic, records)
    messages, reasons = expected(topic, records)
    assert told_by(read(topic, records, slowly)) == messages
    assert slowly.reasons == reasons
    return slowly


@pytest.mark.parametrize("topic", TOPICS)
@given(data=st.data())
def test_every_message_is_read_from_its_canonical_bytes(topic: str, data: st.DataObject) -> None:
    messages = data.draw(st.lists(TOPICS[topic], max_size=4))
    assert told_by(OF[topic](messages)) == [(index, told_of(message)) for index, message in enumerate(messages)]


@pytest.mark.parametrize("topic", TOPICS)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_bytes_of_any_kind_are_read_as_the_reference_reads_them(topic: str, data: st.DataObject, seed: int) -> None:
    random, records = Random(seed), []
    for message in data.draw(st.lists(TOPICS[topic], min_size=1, max_size=4)):
        keys = (message.user_id.encode(),) * 8 + (b"u", b"", None)
        times = (0, -1, 1, message.event_ms, max(1, message.event_ms - 3_600_000), max(1, message.event_ms - 3_600_001))
        records += [
            Carried(random.choice(keys), odd(encode(message), random), random.choice(times) * (random.random() < 0.5))
            for _ in range(6)
        ]
    agrees(topic, records)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("seed", range(4))
def test_ordinary_messages_spoiled_in_many_ways_are_told_apart(topic: str, seed: int) -> None:
    random = Random(seed)
    sent = [SENT[topic](), SENT[topic](event_ms=100_000, user_id="é語😀", event_id="e2")]
    if topic == "impressions":
        sent += [impression(cards=[f"c{number}" for number in range(40)], seen=range(0, 40, 3))]
    records = [Carried(one.user_id.encode(), odd(encode(one), random)) for one in sent for _ in range(3_000)]
    slowly = agrees(topic, records)
    assert len(slowly.reasons) < len(slowly.asked) < len(records), "some of all three kinds are there"


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_of_ordinary_traffic_nothing_is_declined(separators: tuple[str, str]) -> None:
    traffic = Traffic(TrafficSettings(users=50, cards=60, pages=60), end_ms=10**12)
    for topic, kind in (("impressions", "Impression"), ("stream-ends", "StreamEnd")):
        events = [event for event in traffic.events(2_000) if type(event).__name__ == kind]
        values = [json.dumps(json.loads(encode(event)), separators=separators).encode() for event in events]
        records = [
            Carried(event.user_id.encode(), value, event.event_ms) for event, value in zip(events, values, strict=True)
        ]
        columns = read(topic, records, no_slow_lane)
        assert told_by(columns) == [(index, told_of(event)) for index, event in enumerate(events)]


def test_a_tiny_propensity_is_nothing_special() -> None:
    value = encode(impression()).replace(b'"propensities":[1.0]', b'"propensities":[3e-9]')
    records = [Carried(b"u1", value)]
    assert told_by(read("impressions", records, no_slow_lane)) == expected("impressions", records)[0]


@pytest.mark.parametrize("topic", TOPICS)
def test_fields_left_out_have_their_defaults(topic: str) -> None:
    required = {
        "impressions": b'{"type":"impression.v1","event_id":"e","user_id":"u1","event_ms":5,"shelves":[]}',
        "stream-ends": b'{"type":"stream-end.v1","event_id":"e","user_id":"u1","card_id":"c","started_ms":0,'
        b'"event_ms":1,"played_ms":2}',
    }
    records = [Carried(b"u1", required[topic], 1)]
    assert told_by(read(topic, records, no_slow_lane)) == expected(topic, records)[0]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_batch_of_nothing_and_records_of_nothing(topic: str) -> None:
    assert told_by(read(topic, [], no_slow_lane)) == []
    one = SENT[topic]()
    records = [Carried(None, None), Carried(b"u1", b""), Carried(b"u1", encode(one)), Carried(None, encode(one))]
    slowly = agrees(topic, records)
    assert slowly.asked == [0, 1, 3]
    assert slowly.reasons == ["empty", "empty", "key_mismatch"]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("surplus", [0, 1])
def test_the_limit_of_a_value_is_that_of_the_codec(topic: str, surplus: int) -> None:
    value = encode(SENT[topic]())
    large = value.replace(b'"context":{', b'"context":{"padding":"%s"' % (b"x" * (VALUE_BYTES_MAX - len(value) - 12)))
    records = [Carried(b"u1", large + b" " * surplus)]
    assert len(large) == VALUE_BYTES_MAX
    assert agrees(topic, records).reasons == ["too_large"] * surplus


def test_a_record_with_a_broken_tail_does_not_reach_into_the_next() -> None:
    value = encode(impression(cards=["c1", "c2"]))
    cut = value.index(b'"c2"')
    agrees("impressions", [Carried(b"u1", value[:cut]), Carried(b"u1", value[cut:]), Carried(b"u1", value)])


def test_a_card_that_stands_twice_in_a_shelf_is_a_dead_letter_whatever_the_length_of_the_shelf() -> None:
    for count in (2, 9, 33, 3_000):
        cards = [f"c{number}" for number in range(count)]
        value = encode(impression(cards=cards, seen=[0]))
        twice = value.replace(b'"c%d"]' % (count - 1), b'"c0"]')
        slowly = agrees("impressions", [Carried(b"u1", value), Carried(b"u1", twice), Carried(b"u1", value)])
        assert (slowly.asked, slowly.reasons) == ([1], ["invalid"])
