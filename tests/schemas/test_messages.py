"""Messages: what cannot be true cannot be said, by building it nor by decoding it; what can survives the wire."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import VALUE_BYTES_MAX, UnreadableError, decode, decode_keyed, encode
from schemas.dead_letters import DeadLetter
from schemas.export import asyncapi, json_schemas, message_types
from schemas.impressions import Impression, ShownShelf
from schemas.learning import CardGroup, CoClusters
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.topics import TOPICS, Cleanup, Role
from tests.builders import card, impression, outcome, stream_end

IMPOSSIBLE = {
    "an empty user": lambda: impression(user_id=""),
    "a name beyond 256 characters": lambda: impression(user_id="u" * 257),
    "a slot beyond the shelf": lambda: impression(cards=("c1",), seen=(1,)),
    "slots out of order": lambda: impression(cards=("c1", "c2"), seen=(1, 0)),
    "a card twice in one shelf": lambda: impression(cards=("c1", "c1")),
    "a propensity of zero": lambda: ShownShelf(shelf_id="s", cards=("c1",), propensities=(0.0,), seen=()),
    "a propensity above one": lambda: ShownShelf(shelf_id="s", cards=("c1",), propensities=(1.5,), seen=()),
    "a propensity missing": lambda: ShownShelf(shelf_id="s", cards=("c1",), propensities=(), seen=()),
    "a negative duration": lambda: stream_end(played_ms=-1),
    "an end before its start": lambda: stream_end(started_ms=2, event_ms=1),
    "a shelf twice": lambda: card(shelves=("a", "a")),
    "weights that do not sum to one": lambda: outcome(weights=(0.5, 0.1)),
    "playing time without a stream": lambda: msgspec.structs.replace(outcome(), played_ms=5),
    "settled before shown": lambda: msgspec.structs.replace(outcome(), shown_ms=9),
    "a group that is none": lambda: CardGroup(card_id="c", generation=0, version=0, logits=(0.0,), group=1),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_cannot_be_built(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        IMPOSSIBLE[name]()


WRONG = {
    b"": "empty",
    b"{": "not_json",
    b"\xff\xfe": "not_json",
    b"[" * 100_000: "invalid",
    b"[]": "invalid",
    b'{"type":"impression.v9"}': "unknown_version",
    b'{"type":"impression.v1","event_id":"i","user_id":"u","event_ms":"now","shelves":[]}': "invalid",
    b'{"type":"impression.v1","event_id":"i","user_id":"u","event_ms":-1,"shelves":[]}': "invalid",
    b'{"type":"impression.v1","event_id":"","user_id":"u","event_ms":1,"shelves":[]}': "invalid",
    b'{"type":"impression.v1","event_id":"i","event_ms":1,"shelves":[]}': "invalid",
    b" " * (VALUE_BYTES_MAX + 1): "too_large",
}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: value[:40].decode(errors="replace"))
def test_what_cannot_be_read_says_why(value: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode("impressions", value)
    assert caught.value.reason == WRONG[value]


def test_a_record_under_another_key_is_refused() -> None:
    value = encode(impression(user_id="u1"))
    assert decode_keyed("impressions", b"u1", value).user_id == "u1"
    for key in (b"u2", b"", None):
        with pytest.raises(UnreadableError, match="key_mismatch"):
            decode_keyed("impressions", key, value)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_the_reason(value: bytes) -> None:
    with suppress(UnreadableError):
        decode("impressions", value)


@given(st.integers(0, 10**12), st.text(min_size=1, max_size=20), st.lists(st.integers(0, 9), unique=True, max_size=5))
def test_messages_survive_the_wire(event_ms: int, user_id: str, seen: list[int]) -> None:
    message = impression(user_id=user_id, event_ms=event_ms, cards=[f"c{n}" for n in range(10)], seen=sorted(seen))
    assert decode("impressions", encode(message)) == message


def test_a_new_field_of_a_later_writer_is_ignored() -> None:
    later = encode(impression())[:-1] + b',"added_in_2030":1}'
    assert decode("impressions", later) == impression()


def test_an_overlong_matrix_is_refused() -> None:
    one: dict[str, Any] = {"generation": 1, "version": 1, "event_ms": 0, "user_prior": (1.0,), "card_prior": (1.0,)}
    with pytest.raises(ValueError, match="mean is not 1 x 1"):
        CoClusters(**one, mean=((1.0, 2.0),), variance=((1.0,),), count=((1.0,),), global_mean=0.0, global_variance=1.0)


def test_every_message_is_frozen_versioned_and_carried_by_a_topic() -> None:
    for message in message_types():
        config = message.__struct_config__
        assert config.frozen, message
        assert str(config.tag).rpartition(".v")[2].isdigit(), message
    assert {Impression, OutcomesSettled, OutcomeCorrected} <= set(message_types())


def test_every_exported_schema_stands_alone_and_the_document_is_whole() -> None:
    schemas = json_schemas()
    assert set(schemas) == {message.__name__ for message in message_types()}
    for schema in schemas.values():
        assert schema["$ref"].removeprefix("#/$defs/") in schema["$defs"]
    document = asyncapi("1")
    references = set(_references(document))
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    assert references


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_the_table_of_topics_hangs_together() -> None:
    for topic in TOPICS.values():
        if topic.role in {Role.INPUT, Role.BROADCAST, Role.INTERNAL}:
            assert f"{topic.name}.dlq" in TOPICS
        if topic.role in {Role.STATE, Role.BROADCAST}:
            assert topic.cleanup is Cleanup.COMPACT
    inputs = [TOPICS[name].partitions for name in ("impressions", "stream-ends", "listeners-state")]
    assert len(set(inputs)) == 1


def test_a_dead_letter_survives_its_headers() -> None:
    letter = DeadLetter(topic="t", partition=3, offset=9, timestamp_ms=5, reason="invalid", detail="ö" * 900, attempt=2)
    assert DeadLetter.from_headers(letter.headers()).attempt == 2
