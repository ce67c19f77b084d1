"""Avro, Protobuf and JSON Schema behind a registry, written by Confluent's own serializers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

from schemas.codec import UnreadableError
from streams.configuration_error import ConfigurationError
from streams.mapping.foreign_files import rows_of
from streams.mapping.formats import registry as registry_module
from streams.mapping.formats.format_catalogue import decoder_of
from streams.mapping.formats.registry import Registry, RegistryAccess, RegistryError
from streams.mapping.mapper import mapper_of
from streams.mapping.mapping_settings import StreamEndMapping
from tests.mapping.registry_server import LOGIN, RegistryServer

CONTEXT = SerializationContext("plays", MessageField.VALUE)
LISTENER = {"type": "record", "name": "Listener", "namespace": "a", "fields": [{"name": "name", "type": "string"}]}
PLAY: dict[str, Any] = {
    "type": "record",
    "name": "Play",
    "namespace": "a",
    "fields": [
        {"name": "who", "type": "a.Listener"},
        {"name": "what", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "secs", "type": "float"},
    ],
}
MAPPING = StreamEndMapping(format="avro", user_id="who.name", card_id="what", event_ms="at", played_s="secs")
EVENT = {"who": {"name": "u1"}, "what": "c1", "at": datetime(2026, 3, 1, 12, tzinfo=UTC), "secs": 30.5}
AT_MS = 1_772_366_400_000


@pytest.fixture(scope="module")
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as registry:
        yield registry


@pytest.fixture
def access(server: RegistryServer) -> RegistryAccess:
    server.status = server.forms_status = 0
    username, password = LOGIN.split(":")
    return RegistryAccess(url=server.url, username=username, password=password)


@pytest.fixture
def client(server: RegistryServer, access: RegistryAccess) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": server.url, "basic.auth.user.info": LOGIN})


def avro_play(client: SchemaRegistryClient, event: dict[str, Any] = EVENT) -> bytes:
    client.register_schema("listener", Schema(json.dumps(LISTENER), "AVRO"))
    schema = Schema(json.dumps(PLAY), "AVRO", [SchemaReference("a.Listener", "listener", 1)])
    written: bytes = AvroSerializer(client, schema)(event, CONTEXT)
    return written


def test_avro_is_read_with_the_schema_that_the_record_names_and_those_it_refers_to(
    client: SchemaRegistryClient, access: RegistryAccess, server: RegistryServer
) -> None:
    decoder, value = decoder_of(MAPPING, access), avro_play(client)
    message = mapper_of(MAPPING).message(decoder.event(value, ()))
    assert message is not None
    assert (message.user_id, message.event_ms, message.started_ms) == ("u1", AT_MS, AT_MS - 30_500)
    asked = len(server.asked)
    decoder.event(value, ())
    assert len(server.asked) == asked, "a schema is asked for once"


def test_what_is_no_record_of_the_registry_is_said_to_be_so(
    client: SchemaRegistryClient, access: RegistryAccess
) -> None:
    decoder, value = decoder_of(MAPPING, access), avro_play(client)
    for bad, said in (
        (b'{"who": 1}', "not in the wire format"),
        (value[:-3], "not a value of Avro schema"),
        (value + b"rest", "4 bytes follow"),
        (b"\x00\x00\x00\x30\x39rest", "the registry does not know schema 12345"),
    ):
        with pytest.raises(UnreadableError, match=said) as caught:
            decoder.event(bad, ())
        assert caught.value.reason == "undecodable"


def protobuf_type() -> Any:
    """A message as protoc would make it: nested in another one, with a timestamp, a default and an enumeration."""
    file = descriptor_pb2.FileDescriptorProto(name="plays.proto", package="a", syntax="proto3")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    kind = file.enum_type.add(name="Kind")
    kind.value.add(name="PLAY", number=0)
    kind.value.add(name="PAUSE", number=1)
    file.message_type.add(name="First")
    play = file.message_type.add(name="Outer").nested_type.add(name="Play")
    types, single = descriptor_pb2.FieldDescriptorProto, descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    play.field.add(name="who", number=1, type=types.TYPE_STRING, label=single)
    play.field.add(name="what", number=2, type=types.TYPE_STRING, label=single)
    play.field.add(name="at", number=3, type=types.TYPE_MESSAGE, label=single, type_name=".google.protobuf.Timestamp")
    play.field.add(name="ms", number=4, type=types.TYPE_INT64, label=single)
    play.field.add(name="kind", number=5, type=types.TYPE_ENUM, label=single, type_name=".a.Kind")
    play.field.add(name="tags", number=6, type=types.TYPE_STRING, label=types.LABEL_REPEATED)
    pool: Any = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("a.Outer.Play"))


def test_protobuf_needs_no_generated_code(client: SchemaRegistryClient, access: RegistryAccess) -> None:
    kind = protobuf_type()
    play = kind(who="u1", what="c1", tags=["a", "b"])
    play.at.FromMilliseconds(AT_MS)
    value = ProtobufSerializer(kind, client, {"use.deprecated.format": False})(play, CONTEXT)
    mapping = StreamEndMapping(
        format="protobuf", user_id="who", card_id="what", event_ms="at", played_ms="ms", where="kind == 'PLAY'"
    )
    event = decoder_of(mapping, access).event(value, ())
    assert event == {
        "who": "u1",
        "what": "c1",
        "at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "ms": 0,
        "kind": "PLAY",
        "tags": ["a", "b"],
    }
    message = mapper_of(mapping).message(event)
    assert message is not None
    assert message.played_ms == 0, "a number that is not on the wire is the default, which is a value"
    with pytest.raises(UnreadableError, match="is PROTOBUF, and the mapping says avro"):
        decoder_of(MAPPING, access).event(value, ())


@pytest.mark.parametrize("status", [400, 500])
def test_a_registry_that_compiles_no_protobuf_gives_the_descriptor_that_was_registered(
    client: SchemaRegistryClient, access: RegistryAccess, server: RegistryServer, status: int
) -> None:
    server.forms_status = status
    kind = descriptor_pb2.FileOptions
    value = ProtobufSerializer(kind, client, {"use.deprecated.format": False})(kind(go_package="c1"), CONTEXT)
    mapping = StreamEndMapping(format="protobuf", user_id="u", card_id="go_package", event_ms="t", played_ms="p")
    assert decoder_of(mapping, access).event(value, ())["go_package"] == "c1"
    with pytest.raises(UnreadableError, match="is AVRO, and the mapping says protobuf"):
        decoder_of(mapping, access).event(avro_play(client), ())


def test_json_behind_a_registry_is_json_behind_five_bytes(access: RegistryAccess) -> None:
    mapping = StreamEndMapping(format="json-schema", user_id="u", card_id="c", event_s="t", played_s="s")
    assert decoder_of(mapping, RegistryAccess()).event(b"\x00\x00\x00\x00\x01" + b'{"u": "u1"}', ()) == {"u": "u1"}


def test_a_registry_that_refuses_or_does_not_answer_is_no_fault_of_the_record(
    client: SchemaRegistryClient, access: RegistryAccess, server: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = avro_play(client)
    stranger = RegistryAccess(url=server.url, username="team", password="wrong")
    with pytest.raises(RegistryError, match="refuses schema"):
        decoder_of(MAPPING, stranger).event(value, ())
    monkeypatch.setattr(registry_module, "PATIENCE_S", 0.0)
    nobody = RegistryAccess(url="http://127.0.0.1:9")
    with pytest.raises(RegistryError, match="does not answer"):
        Registry(nobody).schema(1)
    with pytest.raises(ConfigurationError, match="set registry_url"):
        decoder_of(MAPPING, RegistryAccess())


def test_an_avro_file_is_read_without_a_registry(tmp_path: Path) -> None:
    file = tmp_path / "plays.avro"
    whole = {**PLAY, "fields": [{"name": "who", "type": LISTENER}, *PLAY["fields"][1:]]}
    with file.open("wb") as out:
        fastavro.writer(out, whole, [EVENT, {**EVENT, "what": None}])
    rows = [row.event for row in rows_of(file, mapper_of(MAPPING))]
    assert [row["what"] for row in rows] == ["c1", None]
    file.write_bytes(b"Obj\x01" + b"\xff" * 20)
    with pytest.raises(ConfigurationError, match="not an Avro container file"):
        list(rows_of(file, mapper_of(MAPPING)))
