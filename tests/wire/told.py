"""What columns tell, as plain values, next to what messages tell; and records read as the worker reads them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.wire.batch import Slow
from processors.wire.impressions import ImpressionColumns, read_impressions
from processors.wire.stream_ends import StreamEndColumns, read_stream_ends
from schemas.codec import UnreadableError, encode
from schemas.impressions import Impression
from schemas.stream_ends import StreamEvent
from streams.tasks.intake import read_one
from tests.settlement.reference import OpenImpression


class Carried(NamedTuple):
    """One record as it was sent."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0


class Slowly:
    """The slow lane: notes who came, and why what is set aside was."""

    def __init__(self, topic: str, records: Sequence[Carried]) -> None:
        self.topic, self.records = topic, records
        self.asked: list[int] = []
        self.reasons: list[str] = []

    def __call__(self, index: int) -> bytes | None:
        self.asked.append(index)
        try:
            return encode(read_one(self.topic, *self.records[index]))
        except UnreadableError as error:
            self.reasons.append(error.reason)
            return None


READERS = {"impressions": read_impressions, "stream-ends": read_stream_ends}


def read(topic: str, records: Sequence[Carried], slow: Slow) -> Any:
    times_ms = np.array([record.timestamp_ms for record in records], dtype=np.int64)
    return READERS[topic]([one.value for one in records], [one.key for one in records], times_ms, slow)


def expected(topic: str, records: Sequence[Carried]) -> tuple[list[Any], list[str]]:
    """Each message with its record's index, as the reference reads them, and reasons of dead letters."""
    messages, reasons = [], []
    for index, record in enumerate(records):
        try:
            messages.append((index, told_of(read_one(topic, *record))))
        except UnreadableError as error:
            reasons.append(error.reason)
    return messages, reasons


def told_of(message: Impression | StreamEvent) -> Any:
    if isinstance(message, StreamEvent):
        return (
            message.event_id, message.user_id, message.card_id, message.impression_id, message.started_ms,
            message.event_ms, message.played_ms, getattr(message, "stream_id", None),
        )  # fmt: skip
    kept = OpenImpression.of(message)
    exposures = list(zip(kept.rows, kept.slots, kept.shelves, kept.cards, kept.propensities, kept.orders, strict=True))
    return message.event_id, message.user_id, message.event_ms, kept.logged, exposures


def text_of(data: IntArray, span: IntArray) -> str:
    start, end = span.tolist()
    text: str = json.loads(b'"' + data[start:end].tobytes() + b'"')
    return text


def real_of(data: IntArray, span: IntArray) -> float | None:
    return None if span[0] < 0 else float(data[slice(*span)].tobytes())


def told_by(columns: ImpressionColumns | StreamEndColumns) -> list[tuple[int, Any]]:
    if isinstance(columns, StreamEndColumns):
        return [(int(columns.record[at]), stream_end_at(columns, at)) for at in range(len(columns.record))]
    return [(int(columns.record[at]), impression_at(columns, at)) for at in range(len(columns.record))]


def stream_end_at(columns: StreamEndColumns, at: int) -> Any:
    names = [text_of(columns.data, spans[at]) for spans in (columns.event_id, columns.user_id, columns.card_id)]
    named = columns.impression_id[at]
    impression = None if named[0] < 0 else text_of(columns.data, named)
    playing = columns.stream_id[at]
    stream_id = None if playing[0] < 0 else text_of(columns.data, playing)
    numbers = (columns.started_ms[at], columns.event_ms[at], columns.played_ms[at])
    return (*names, impression, *map(int, numbers), stream_id)


def impression_at(columns: ImpressionColumns, at: int) -> Any:
    data = columns.data
    exposures = [
        (
            int(columns.row[one]),
            int(columns.slot[one]),
            text_of(data, columns.shelf_id[one]),
            text_of(data, columns.card_id[one]),
            float(data[slice(*columns.propensity[one])].tobytes()),
            tuple(real_of(data, span) for span in columns.order[one]),
        )
        for one in range(columns.offsets[at], columns.offsets[at + 1])
    ]
    names = [text_of(data, spans[at]) for spans in (columns.event_id, columns.user_id)]
    return (*names, int(columns.event_ms[at]), tuple(text_of(data, span) for span in columns.logged[at]), exposures)
