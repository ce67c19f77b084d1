"""Applies broadcast records to a task's learned state, and tracks positions in broadcast topics."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas.codec import UnreadableError, decode
from streams.exactly_once.records.read_records import Record


class Positions(dict[str, int]):
    """Newest offset of each partition of each broadcast topic, by `topic/partition`."""

    def note(self, records: Sequence[Record]) -> None:
        """Record the offsets of applied records."""
        for record in records:
            self[f"{record.topic}/{record.partition}"] = record.offset


def broadcast_keyed(topic: str, record: Record, put: Callable[..., None], count: Callable[[str], None]) -> None:
    """Apply a keyed record: passes its key with the message, or with None if it was withdrawn."""
    key = (record.key or b"").decode(errors="replace")
    if record.value is None:
        put(key, None)
        return
    try:
        put(key, decode(topic, record.value))
    except UnreadableError as error:
        count(error.reason)


def broadcast_message(topic: str, record: Record, put: Callable[..., None], count: Callable[[str], None]) -> None:
    """Apply a broadcast message; tombstones are ignored, unreadable records counted."""
    if record.value is None:
        return
    try:
        put(decode(topic, record.value))
    except UnreadableError as error:
        count(error.reason)


def either(put: Callable[..., None], withdraw: Callable[[str], None]) -> Callable[..., None]:
    """Combine two functions into one of key and message: put a message, or withdraw the key for None."""

    def take(key: str, message: Any | None) -> None:
        if message is None:
            withdraw(key)
        else:
            put(message)

    return take
