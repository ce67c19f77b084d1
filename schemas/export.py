"""JSON Schema of every message and an AsyncAPI 3 document, generated from the types and the table of topics."""

from typing import Any

import msgspec
from msgspec import Struct

from schemas.topics import TOPICS, Role, Topic

REFERENCE = "#/components/schemas/{name}"


def message_types() -> list[type[Struct]]:
    """Every message that a topic carries, in the order of the table.

    >>> [message.__name__ for message in message_types()][:2]
    ['Impression', 'StreamEnd']
    """
    types: list[type[Struct]] = []
    for topic in TOPICS.values():
        for message in _members(topic):
            if message not in types:
                types.append(message)
    return types


def json_schemas() -> dict[str, dict[str, Any]]:
    """Self-contained JSON Schemas (2020-12) of all messages, by name."""
    return {message.__name__: _schema(message) for message in message_types()}


def asyncapi(version: str) -> dict[str, Any]:
    """The data flow as an AsyncAPI 3.0 document."""
    _, components = msgspec.json.schema_components(message_types(), ref_template=REFERENCE)
    carried = [topic for topic in TOPICS.values() if topic.message is not None]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "shelfwise", "version": version, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in carried},
        "operations": dict(operation for topic in carried for operation in _operations(topic)),
        "components": {
            "schemas": components,
            "messages": {
                message.__name__: {
                    "name": message.__name__,
                    "title": _summary(message),
                    "payload": {"$ref": REFERENCE.format(name=message.__name__)},
                }
                for message in message_types()
            },
        },
    }


def _schema(message: type[Struct]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([message], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **reference, "$defs": components}


def _members(topic: Topic) -> tuple[type[Struct], ...]:
    if topic.message is None:
        return ()
    members: Any = getattr(topic.message, "__args__", (topic.message,))
    return tuple(members)


def _summary(message: type[Struct]) -> str:
    return (message.__doc__ or message.__name__).strip().splitlines()[0]


def _partitioning(topic: Topic) -> str:
    """Conventions for clients that write to a topic."""
    if topic.role is not Role.INPUT:
        return ""
    return (
        "; in the partition that Kafka's own partitioner (murmur2) gives the key: librdkafka, confluent-kafka and kcat "
        "need partitioner=murmur2_random, sarama and segmentio/kafka-go a murmur2 hasher; Java's, aiokafka, "
        "kafka-python and franz-go do so by themselves"
    )


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"{topic.about}; keyed by {topic.key}{_partitioning(topic)}",
        "messages": {m.__name__: {"$ref": f"#/components/messages/{m.__name__}"} for m in _members(topic)},
        "bindings": {
            "kafka": {
                "partitions": topic.partition_count(4),
                "topicConfiguration": {"cleanup.policy": [topic.cleanup.value]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations(topic: Topic) -> list[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    writes = (f"{topic.writer}.send.{topic.name}", {"action": "send", "channel": channel})
    reads = [(f"{who}.receive.{topic.name}", {"action": "receive", "channel": channel}) for who in topic.readers]
    return [writes, *reads]
