"""Broadcast records into what a task has learned, and where it stands in each topic."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas.codec import UnreadableError, decode
from streams.exactly_once.records.read_records import Record


class Positions(dict[str, int]):
    """The newest offset seen of every partition of every broadcast topic, by `topic/partition`."""

    def note(self, records: Sequence[Record]) -> None:
        """Take note of records that have been handed on."""
        for record in records:
            self[f"{record.topic}/{record.partition}"] = record.offset


def broadcast_keyed(topic: str, record: Record, put: Callable[..., None], count: Callable[[str], None]) -> None:
    """Hand a record of the catalogue, or of names, on with its key: the message, or None where it was withdrawn."""
    key = (record.key or b"").decode(errors="replace")
    if record.value is None:
        put(key, None)
        return
    try:
        put(key, decode(topic, record.value))
    except UnreadableError as error:
        count(error.reason)


def broadcast_message(topic: str, record: Record, put: Callable[..., None], count: Callable[[str], None]) -> None:
    """Hand a broadcast message on; tombstones say nothing, what cannot be read is counted."""
    if record.value is None:
        return
    try:
        put(decode(topic, record.value))
    except UnreadableError as error:
        count(error.reason)


def either(put: Callable[..., None], withdraw: Callable[[str], None]) -> Callable[..., None]:
    """What takes a key and a message, or None: put the message, or withdraw what has the key."""

    def take(key: str, message: Any | None) -> None:
        if message is None:
            withdraw(key)
        else:
            put(message)

    return take
