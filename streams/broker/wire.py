"""Frames on the wire: decodes requests and encodes responses with kafka-python's generated codecs."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

from kafka.protocol import admin, consumer, metadata, producer

FRAME_BYTES_MAX = 128 * 1024 * 1024

# The ranges that are advertised and served. librdkafka silently drops compression where Produce or
# Fetch start too high or end too low, so Produce starts at 0 although batches before format 2 are refused.
VERSIONS: dict[str, tuple[int, int]] = {
    "Produce": (0, 9),
    "Fetch": (4, 11),
    "ListOffsets": (1, 7),
    "Metadata": (0, 9),
    "OffsetCommit": (2, 8),
    "OffsetFetch": (1, 7),
    "FindCoordinator": (0, 3),
    "JoinGroup": (0, 7),
    "Heartbeat": (0, 4),
    "LeaveGroup": (0, 4),
    "SyncGroup": (0, 5),
    "DescribeGroups": (0, 5),
    "ListGroups": (0, 4),
    "ApiVersions": (0, 3),
    "CreateTopics": (0, 6),
    "DeleteTopics": (0, 5),
    "DeleteRecords": (0, 2),
    "InitProducerId": (0, 4),
    "AddPartitionsToTxn": (0, 3),
    "AddOffsetsToTxn": (0, 3),
    "EndTxn": (0, 3),
    "TxnOffsetCommit": (0, 3),
    "DescribeConfigs": (0, 4),
    "AlterConfigs": (0, 2),
    "CreatePartitions": (0, 3),
    "DeleteGroups": (0, 2),
    "IncrementalAlterConfigs": (0, 1),
    "OffsetDelete": (0, 0),
    "DescribeTransactions": (0, 0),
    "DescribeCluster": (0, 1),
}


def _message_class(name: str) -> Any:
    for module in (producer, consumer, metadata, admin):
        if hasattr(module, name):
            return getattr(module, name)
    raise LookupError(name)


REQUESTS: dict[int, Any] = {
    _message_class(f"{name}Request").API_KEY: _message_class(f"{name}Request") for name in VERSIONS
}
RESPONSES: dict[str, Any] = {name: _message_class(f"{name}Response") for name in VERSIONS}
API_NAMES: dict[int, str] = {_message_class(f"{name}Request").API_KEY: name for name in VERSIONS}
API_KEYS: dict[str, int] = {name: key for key, name in API_NAMES.items()}
_FIXED_HEADER = struct.Struct(">hhi")
_SHORT = struct.Struct(">h")


class ProtocolViolationError(Exception):
    """The data on the wire is not a Kafka request: the connection must be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One decoded request with its header; `body` is kafka-python's message object.

    `supported` is False for an ApiVersions request above the maximum, which has no decodable body.
    """

    api: str
    version: int
    correlation_id: int
    client_id: str
    client_host: str
    body: Any
    supported: bool = True

    def answer(self, **fields: Any) -> Any:
        """Build the response of this request in its version."""
        return RESPONSES[self.api](version=self.version, **fields)


def decode_request(frame: bytes, client_host: str) -> Request:
    """Decode one frame (without its length); raises `ProtocolViolationError` on anything unsupported."""
    try:
        api_key, version, correlation_id = _FIXED_HEADER.unpack_from(frame)
        api = API_NAMES[api_key]
        minimum, maximum = VERSIONS[api]
        (client_length,) = _SHORT.unpack_from(frame, _FIXED_HEADER.size)
        position = _FIXED_HEADER.size + _SHORT.size
        client_id = frame[position : position + max(client_length, 0)].decode()
        position += max(client_length, 0)
        supported = minimum <= version <= maximum
        body = None
        if supported:
            cls = REQUESTS[api_key]
            if cls.flexible_version_q(version):
                position = _after_tagged_fields(frame, position)
            body = cls.decode(memoryview(frame)[position:], version=version)
        elif api != "ApiVersions":
            raise ProtocolViolationError(f"{api} version {version} is outside {minimum}-{maximum}")
    except (struct.error, KeyError, IndexError, ValueError, TypeError) as error:
        raise ProtocolViolationError(f"undecodable request: {error!r}") from error
    return Request(
        api=api,
        version=version,
        correlation_id=correlation_id,
        client_id=client_id,
        client_host=client_host,
        body=body,
        supported=supported,
    )


def _after_tagged_fields(frame: bytes, position: int) -> int:
    count, position = _unsigned_varint(frame, position)
    for _ in range(count):
        _, position = _unsigned_varint(frame, position)
        size, position = _unsigned_varint(frame, position)
        position += size
    return position


def _unsigned_varint(frame: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = frame[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def encode_response(request: Request, response: Any) -> bytearray:
    """Encode a response with its frame and header."""
    response.with_header(correlation_id=request.correlation_id)
    encoded: bytearray = response.encode(header=True, framed=True)
    return encoded


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Read one frame; None if the peer has closed the connection."""
    try:
        size = int.from_bytes(await reader.readexactly(4))
        if size > FRAME_BYTES_MAX:
            raise ProtocolViolationError(f"a frame of {size} bytes")
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
