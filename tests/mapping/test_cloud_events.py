"""CloudEvents as the SDK of the project writes them, in both modes of the binding for Kafka."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from schemas.codec import UnreadableError
from streams.mapping.formats.cloud_events import CloudEvents
from streams.mapping.mapper import mapper_of
from streams.mapping.mapping_settings import StreamEndMapping

MAPPING = StreamEndMapping(
    format="cloudevents",
    event_id="id",
    user_id="data.user",
    card_id="subject",
    played_min="data.minutes",
    event_ms="time",
    where="type == 'played'",
)


def event(data: Any) -> CloudEvent:
    attributes = {
        "id": "e1",
        "source": "/player",
        "type": "played",
        "specversion": "1.0",
        "subject": "c1",
        "time": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, data)


def as_record(message: Any) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    return message.value, [(name, value) for name, value in message.headers.items()]


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event])
def test_both_modes_give_the_same_stream_end(write: Any) -> None:
    value, headers = as_record(write(event({"user": "u1", "minutes": 2.5})))
    message = mapper_of(MAPPING).message(CloudEvents().event(value, headers))
    assert message is not None
    assert (message.event_id, message.user_id, message.card_id) == ("e1", "u1", "c1")
    assert message.event_ms - message.started_ms == 150_000


def test_data_in_base64_is_read_as_its_type_says() -> None:
    whole = {"id": "1", "source": "s", "type": "t", "specversion": "1.0", "data_base64": "eyJhIjogMX0="}
    assert CloudEvents().event(json.dumps(whole).encode(), ())["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("value", "headers", "said"),
    [
        (b'{"user": "u1"}', [], "it has no id, source, specversion, type"),
        (b"[]", [("content-type", b"application/cloudevents-batch+json")], "a batch"),
        (b"<a/>", [("ce_specversion", b"1.0"), ("content-type", b"application/xml")], "is application/xml"),
    ],
)
def test_what_is_no_cloud_event_in_json_is_said_to_be_so(
    value: bytes, headers: list[tuple[str, bytes | None]], said: str
) -> None:
    with pytest.raises(UnreadableError, match=said):
        CloudEvents().event(value, headers)
