"""Maps records of another team's topic to our messages, keyed by listener, in our input topic.

The rest of the pipeline does not know of it: it reads our own format, in the compiled way. Output, position and
counters are one transaction, so each record is mapped exactly once, whatever key it has in its own topic.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.codec import UnreadableError, encode
from schemas.dead_letters import DeadLetter, attempt_of
from schemas.topic_row import INPUT_BYTES_MAX
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import UNKNOWN_MS, Record, Records
from streams.exactly_once.task import Measures
from streams.mapping.formats.decoder import Decoder, decoded
from streams.mapping.formats.registry import RegistryError
from streams.mapping.mapper import Mapper
from streams.mapping.own_topics import letters_topic
from streams.tasks.intake import refuse_ahead

STAMP_AGE_MAX_MS = 24 * 3_600_000
"""Maximum age of a record's timestamp in our topic: with that of an old backlog, retention would delete it unread."""
_COUNTS = b"counts"


class Mapped(NamedTuple):
    """What became of a record: its output, none if it was passed over, and the moment that was reached."""

    offset: int
    produced: Produced | None
    counted: str
    moment_ms: int


class MappingTask:
    """Records of one partition of theirs in; messages for `topic` and dead letters out."""

    def __init__(self, mapper: Mapper, decoder: Decoder, topic: str) -> None:
        self.counters: Counter[str] = Counter()
        self._mapper = mapper
        self._decoder = decoder
        self._topic = topic
        self._ahead: deque[Mapped] = deque()  # mapped to know their moments, and not processed yet
        self._moment_ms = 0
        self._changed = False

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the counters."""
        for row in rows:
            if row.key == _COUNTS and row.value is not None:
                self.counters.update(msgspec.json.decode(row.value, type=dict[str, int]))

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:  # noqa: ARG002  the protocol's
        """Do nothing: a mapping knows its settings only."""
        return ()

    def moments(self, topic: str, records: Records) -> NDArray[np.int64]:  # noqa: ARG002  the protocol's
        """The newest event times so far, by which the partitions of all mappings keep step."""
        mapped = list(self._each(records))
        self._ahead = deque(mapped)  # what is left of an earlier batch was dropped by the driver, and is fetched again
        return np.array([it.moment_ms for it in mapped], np.int64)

    def process(self, topic: str, records: Records) -> Iterable[Produced]:
        """Process one batch."""
        if not self._ahead:
            self.moments(topic, records)
        produced = []
        for offset in records.offsets.tolist():
            mapped = self._ahead.popleft()
            assert mapped.offset == offset, f"record {offset} was mapped as {mapped.offset}"
            self.counters[mapped.counted] += 1
            if mapped.produced is not None:
                produced.append(mapped.produced)
        self._changed = True
        return produced

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  the protocol's
        """Do nothing: time is in the records."""
        return ()

    def conclude(self) -> Iterable[Produced]:
        """Do nothing."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """The counters, if anything was processed."""
        if not self._changed:
            return ()
        self._changed = False
        return [StateRow(_COUNTS, msgspec.json.encode(self.counters, order="sorted"))]

    def measures(self) -> Measures:
        """The counters."""
        return Measures(self.counters)

    def _each(self, records: Records) -> Iterable[Mapped]:
        oldest_ms = 0 if records.fetched_ms == UNKNOWN_MS else records.fetched_ms - STAMP_AGE_MAX_MS
        for record, clock_ms in zip(records, records.clock_ms.tolist(), strict=True):
            yield self.one(record, clock_ms, max(clock_ms, oldest_ms))

    def one(self, record: Record, clock_ms: int, stamp_ms: int) -> Mapped:
        """What becomes of a record that was written by `clock_ms`; its output is stamped with `stamp_ms`."""
        produced, counted = None, "passed_over"
        try:
            message = self._mapper.message(decoded(self._decoder, record.value, record.headers))
            if message is not None:
                refuse_ahead(message.event_ms, clock_ms)
                self._moment_ms = max(self._moment_ms, min(message.event_ms, clock_ms))
                key, value = message.user_id.encode(), encode(message)
                produced, counted = Produced(self._topic, key, value, timestamp_ms=_stamp(stamp_ms)), "mapped"
        except UnreadableError as error:
            produced, counted = self._letter(record, error), f"dead_letters_{error.reason}"
        except RegistryError:
            raise
        except Exception as error:  # noqa: BLE001  no record stops the line, whatever a library makes of it
            unreadable = UnreadableError("undecodable", repr(error)[:200])
            produced, counted = self._letter(record, unreadable), "dead_letters_undecodable"
        return Mapped(record.offset, produced, counted, self._moment_ms)

    def _letter(self, record: Record, error: UnreadableError) -> Produced:
        """The record unchanged, with the reason; of a record that no topic of ours can hold, only the reason."""
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp,
            reason=error.reason,
            detail=error.detail,
            attempt=attempt_of(record.headers),
        )
        own = sum(len(name) + len(value or b"") for name, value in record.headers)
        is_kept = own + len(record.key or b"") + len(record.value or b"") <= INPUT_BYTES_MAX
        key, value, headers = (record.key, record.value, record.headers) if is_kept else (None, None, ())
        return Produced(letters_topic(self._topic), key, value, letter.headers(headers))


def _stamp(stamp_ms: int) -> int | None:
    """The timestamp of the output; None for the time of writing, if the clock is unknown."""
    return None if stamp_ms == UNKNOWN_MS else stamp_ms
