"""Protobuf behind a schema registry: message types are built from the descriptors that the registry gives."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.codec import UnreadableError
from streams.mapping.formats.decoder import Headers
from streams.mapping.formats.registry import Registry
from streams.mapping.formats.wire_format import framed, varint

SERIALIZED = "serialized"
"""The registry compiles the schema and gives its descriptor, so that nobody needs protoc here.

Apicurio 3.3 gives descriptors, which Confluent's clients register unless they are written in Java, as they are; of
source it gives a descriptor that is no text and damaged, so such records are dead letters.
"""
_JSON_BEGINS = '{["'
"""Of other schemas. The type alone proves nothing: Apicurio omits it, and what has none counts as Avro."""
_INDEXES_MAX = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ProtobufFormat:
    """One message a record; the indexes before it say which of its schema's messages it is."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._types: dict[tuple[int | str, tuple[int, ...]], Any] = {}

    def event(self, value: bytes, headers: Headers) -> Any:
        """The fields by name, with the defaults of those that are not set."""
        from google.protobuf.message import DecodeError

        key, payload = framed(value, headers)
        indexes, at = _indexes(payload)
        kind = self._types.get((key, indexes))
        if kind is None:
            kind = self._types[key, indexes] = self._type(key, indexes)
        message = kind()
        try:
            message.ParseFromString(payload[at:])
        except DecodeError as error:
            raise UnreadableError("undecodable", f"not a message of Protobuf schema {key}: {error}") from error
        return _plain(message)

    def _type(self, key: int | str, indexes: tuple[int, ...]) -> Any:
        from google.protobuf.descriptor_pool import DescriptorPool
        from google.protobuf.message_factory import GetMessageClass

        schema = self._registry.schema(key, SERIALIZED)
        if schema.schema_type != "PROTOBUF" and schema.schema_str.lstrip()[:1] in _JSON_BEGINS:
            raise UnreadableError("undecodable", f"schema {key} is {schema.schema_type}, and the mapping says protobuf")
        pool, known = DescriptorPool(), set[str]()
        for reference in schema.references or []:
            self._add_reference(pool, reference, known)
        name = f"schema-{key}.proto"
        _add(pool, name, schema.schema_str, known)
        found: Any = pool.FindFileByName(name)
        try:
            message = list(found.message_types_by_name.values())[indexes[0]]
            for index in indexes[1:]:
                message = message.nested_types[index]
        except IndexError as error:
            raise UnreadableError("undecodable", f"schema {key} has no message {list(indexes)}") from error
        return GetMessageClass(message)

    def _add_reference(self, pool: Any, reference: Any, known: set[str]) -> None:
        if reference.name in known:
            return
        schema = self._registry.reference(reference.subject, reference.version, SERIALIZED)
        for further in schema.references or []:
            self._add_reference(pool, further, known)
        _add(pool, reference.name, schema.schema_str, known)


def _add(pool: Any, name: str, serialized: str, known: set[str]) -> None:
    """Add a file's descriptor to a pool, and before it those of Google's own files that it imports."""
    from google.protobuf import descriptor_pb2
    from google.protobuf.message import DecodeError

    file = descriptor_pb2.FileDescriptorProto()
    try:
        file.ParseFromString(base64.b64decode(serialized, validate=True))
        file.name = name
        for imported in file.dependency:
            if imported not in known:
                _add_built_in(pool, imported, known)
        pool.Add(file)
    except (DecodeError, ValueError, TypeError, KeyError) as error:
        raise UnreadableError(
            "undecodable", f"the registry's descriptor of {name} is unusable: {error!r:.120}"
        ) from error
    known.add(name)


def _add_built_in(pool: Any, name: str, known: set[str]) -> None:
    from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2, wrappers_pb2

    assert timestamp_pb2
    assert wrappers_pb2
    file = descriptor_pb2.FileDescriptorProto()
    descriptor_pool.Default().FindFileByName(name).CopyToProto(file)
    for imported in file.dependency:
        if imported not in known:
            _add_built_in(pool, imported, known)
    pool.Add(file)
    known.add(name)


def _indexes(payload: bytes) -> tuple[tuple[int, ...], int]:
    """The indexes before a message: their number, then each; a single 0 is the first message.

    >>> _indexes(bytes([0]) + b"rest"), _indexes(bytes([4, 2, 0]) + b"rest")
    (((0,), 1), ((1, 0), 3))
    """
    count, at = varint(payload, 0)
    if not 0 <= count <= _INDEXES_MAX:
        raise UnreadableError("undecodable", f"{count} indexes of a message")
    if count == 0:
        return (0,), at
    found = []
    for _ in range(count):
        index, at = varint(payload, at)
        found.append(index)
    return tuple(found), at


def _plain(message: Any) -> Any:
    """A message as plain values; timestamps and durations as Python's, wrappers as what they wrap."""
    full_name = message.DESCRIPTOR.full_name
    if full_name == "google.protobuf.Timestamp":
        return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
    if full_name == "google.protobuf.Duration":
        return message.seconds + message.nanos / 1e9
    if full_name.startswith("google.protobuf.") and full_name.endswith("Value") and hasattr(message, "value"):
        return message.value
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _field(message: Any, field: Any) -> Any:
    """The value of a field: None if it knows to be absent and is, else with its default."""
    value = getattr(message, field.name)
    is_message = field.message_type is not None
    if is_message and field.message_type.GetOptions().map_entry:
        is_deep = field.message_type.fields_by_name["value"].message_type is not None
        return {str(key): _plain(one) if is_deep else one for key, one in value.items()}
    if field.is_repeated:
        return [_plain(one) if is_message else _scalar(field, one) for one in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _plain(value) if is_message else _scalar(field, value)


def _scalar(field: Any, value: Any) -> Any:
    """A scalar; an enumeration by the name of its value, as in JSON."""
    if field.enum_type is None:
        return value
    named = field.enum_type.values_by_number.get(value)
    return value if named is None else named.name
