"""The decoder of each format."""

from streams.mapping.formats.cloud_events import CloudEvents
from streams.mapping.formats.csv_format import CsvFormat
from streams.mapping.formats.decoder import Decoder
from streams.mapping.formats.json_format import JsonFormat
from streams.mapping.formats.registry import Registry, RegistryAccess
from streams.mapping.formats.wire_format import JsonSchemaFormat
from streams.mapping.mapping_settings import Mapping


def decoder_of(mapping: Mapping, access: RegistryAccess) -> Decoder:
    """The decoder of a mapping's records; raises `ConfigurationError` if a registry or a library is missing."""
    if mapping.format in {"avro", "protobuf"}:
        return _registered(mapping, access)
    if mapping.format == "csv":
        return CsvFormat(mapping.columns, mapping.delimiter)
    if mapping.format == "cloudevents":
        return CloudEvents()
    return JsonFormat() if mapping.format == "json" else JsonSchemaFormat()


def _registered(mapping: Mapping, access: RegistryAccess) -> Decoder:
    from streams.mapping.formats.avro_format import AvroFormat
    from streams.mapping.formats.protobuf_format import ProtobufFormat

    registry = Registry(access)
    return AvroFormat(registry) if mapping.format == "avro" else ProtobufFormat(registry)
