"""Avro behind a schema registry, by fastavro."""

import io
import json
from typing import Any

from schemas.codec import UnreadableError
from streams.mapping.formats.decoder import Headers
from streams.mapping.formats.registry import Registry
from streams.mapping.formats.wire_format import framed


class AvroFormat:
    """One Avro value a record, written with the schema that the record names; logical types become Python's."""

    def __init__(self, registry: Registry) -> None:
        from fastavro import parse_schema, schemaless_reader

        self._read, self._parse = schemaless_reader, parse_schema
        self._registry = registry
        self._parsed: dict[int | str, Any] = {}

    def event(self, value: bytes, headers: Headers) -> Any:
        """The value, by its writer's schema."""
        key, payload = framed(value, headers)
        schema = self._parsed.get(key)
        if schema is None:
            schema = self._parsed[key] = self._schema(key)
        data = io.BytesIO(payload)
        try:
            found = self._read(data, schema, None)
        except (EOFError, IndexError, ValueError, TypeError, OverflowError, KeyError, StopIteration) as error:
            raise UnreadableError("undecodable", f"not a value of Avro schema {key}: {error!r:.120}") from error
        if data.tell() < len(payload):
            left = len(payload) - data.tell()
            raise UnreadableError("undecodable", f"{left} bytes follow the value of Avro schema {key}")
        return found

    def _schema(self, key: int | str) -> Any:
        schema = self._registry.schema(key)
        if (schema.schema_type or "AVRO") != "AVRO":
            raise UnreadableError("undecodable", f"schema {key} is {schema.schema_type}, and the mapping says avro")
        named: dict[str, Any] = {}
        for reference in schema.references or []:
            self._name(reference, named)
        return self._parse(json.loads(schema.schema_str), named_schemas=named)

    def _name(self, reference: Any, named: dict[str, Any]) -> None:
        """Add a schema that another refers to, after those that it refers to itself."""
        schema = self._registry.reference(reference.subject, reference.version)
        for further in schema.references or []:
            self._name(further, named)
        self._parse(json.loads(schema.schema_str), named_schemas=named)
