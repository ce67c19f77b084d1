"""Saves the broadcast state of a cluster to a file, and reads it for a worker with a pinned model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.topics import TOPICS, Role
from streams.auditing.reading import stream_committed
from streams.configuration_error import ConfigurationError
from streams.files.text import bytes_of

BROADCASTS = tuple(topic.name for topic in TOPICS.values() if topic.role is Role.BROADCAST)


class PinnedRecord(Struct, frozen=True, kw_only=True):
    """A record of a broadcast topic; implements the driver's `Record`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """None."""
        return ()


PinnedModel = dict[str, list[PinnedRecord]]


async def saved_model(bootstrap: str, options: dict[str, Any] | None = None) -> bytes:
    """The newest record of each key of the broadcast topics, as JSON lines."""
    lines: list[bytes] = []
    for topic in BROADCASTS:
        newest: dict[bytes, Any] = {}
        async for record in stream_committed(bootstrap, topic, options):
            if record.value is None:
                newest.pop(record.key, None)
            elif record.key is not None:
                newest[record.key] = record
        lines += [msgspec.json.encode(_pinned(topic, record)) for record in newest.values()]
    return b"".join(line + b"\n" for line in lines)


def load_model(file: Path) -> PinnedModel:
    """Read a pinned model by topic, with records in the order of the topics.

    Raises `ConfigurationError` if the file is not one.
    """
    try:
        records = list(_records(file))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not a pinned model: {error}; `audit --save-model` writes one") from error
    if not records:
        raise ConfigurationError(f"{file} is not a pinned model: it is empty; `audit --save-model` writes one")
    model: PinnedModel = {topic: [] for topic in BROADCASTS}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        if record.topic not in model:
            raise ConfigurationError(f"{file} mentions {record.topic}, which is not a broadcast topic")
        model[record.topic].append(record)
    return model


def _pinned(topic: str, record: Any) -> PinnedRecord:
    return PinnedRecord(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
    )


def _records(file: Path) -> Iterator[PinnedRecord]:
    for line in bytes_of(file).splitlines():
        yield msgspec.json.decode(line, type=PinnedRecord)
