"""Reads one partition of a state topic to its end and keeps the newest row of each key."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import msgspec
from aiokafka import TopicPartition

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import StateFormatError
from streams.exactly_once.records.produced import StateRow
from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.reading.consumers import Consumer

FORMAT_KEY = b"__format__"
POLL_MS, EMPTY_MS = 500, 200
STOP_TIMEOUT_S = 2.0
PROGRESS_S = 1.0


class Restored(NamedTuple):
    """The state that was read. State of versions without positions has none."""

    rows: dict[bytes, bytes]
    bytes_read: int
    seconds: float
    has_format: bool
    position: Position | None

    @property
    def outputs(self) -> Collection[TopicPartition]:
        """The partitions that the task may have written to."""
        return set() if self.position is None else self.position.output_partitions()

    def consume_rows(self) -> Iterator[StateRow]:
        """Yield each row and release it, so that a large state is not held twice."""
        rows = self.rows
        while rows:
            yield StateRow(*rows.popitem())


async def read_state(
    settings: DriverSettings,
    state: TopicPartition,
    state_format: int,
    progress: Callable[[int, int], None],
) -> Restored:
    """Read a state partition from beginning to end, committed records only.

    The end is the last stable offset at the beginning of the read; nothing can follow, because the previous writer
    has been fenced. ``progress`` is called about once a second with the number of rows and bytes. Raises
    StateFormatError if the rows have another format.
    """
    started_s = last_progress_s = time.monotonic()
    rows: dict[bytes, bytes] = {}
    bytes_read, newest_key = 0, None
    consumer = Consumer(
        **settings.client_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=settings.fetch_wait_ms,
        max_partition_fetch_bytes=2 * settings.fetch_max_partition_bytes,
    )
    try:
        await consumer.start()
        consumer.assign([state])
        await consumer.seek_to_beginning(state)
        end = (await consumer.end_offsets([state]))[state]
        if not end:  # a missing read permission shows now, not with the first record
            await consumer.getmany(state, timeout_ms=EMPTY_MS)
        while await consumer.position(state) < end:
            fetched = await consumer.getmany(state, timeout_ms=POLL_MS)
            for record in fetched.get(state, ()):
                bytes_read += len(record.key or b"") + len(record.value or b"")
                newest_key = record.key
                if record.value is None:
                    rows.pop(record.key, None)
                else:
                    rows[record.key] = record.value
            if time.monotonic() - last_progress_s >= PROGRESS_S:
                last_progress_s = time.monotonic()
                progress(len(rows), bytes_read)
    finally:
        with contextlib.suppress(TimeoutError):  # aiokafka waits for an unreachable broker
            await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT_S)
    position = _position(rows, state)
    # the position ends each transaction: else an older version has written since
    if position is not None and newest_key != POSITION_KEY:
        position = position.outdated()
    has_format = _check_format(rows, state, state_format)
    return Restored(rows, bytes_read, time.monotonic() - started_s, has_format, position)


def format_row(state_format: int) -> StateRow:
    """The reserved row with the format of the others.

    >>> format_row(2)
    StateRow(key=b'__format__', value=b'2')
    """
    return StateRow(FORMAT_KEY, str(state_format).encode())


def _position(rows: dict[bytes, bytes], state: TopicPartition) -> Position | None:
    written = rows.pop(POSITION_KEY, None)
    if written is None:
        return None
    try:
        return Position.of_row(written)
    except msgspec.DecodeError as error:
        raise StateFormatError(
            f"the position in partition {state.partition} of the state topic '{state.topic}' cannot be read ({error}): "
            "run the version that wrote it, or start over with another state topic and group"
        ) from error


def _check_format(rows: dict[bytes, bytes], state: TopicPartition, state_format: int) -> bool:
    written = rows.pop(FORMAT_KEY, None)
    where = f"partition {state.partition} of the state topic '{state.topic}'"
    if written is None:
        if rows:
            raise StateFormatError(f"{where} has rows but no format row: something else writes to this topic")
        return False
    if written != str(state_format).encode():
        raise StateFormatError(
            f"{where} is written in format {written.decode(errors='replace')}, this program reads format "
            f"{state_format}: run the version that wrote it, or start over with another state topic and group"
        )
    return True
