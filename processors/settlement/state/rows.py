"""Settlement as keyed rows: one per listener, one per impression, one for the partition; written when changed.

See `state_layouts`. The row of an impression is written once: whether it has settled follows
from the time it was shown and the partition's row, and its streams are part of the listener's row.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from processors.settlement.book.book import with_room
from processors.settlement.book.state_layouts import LISTENER, PAGE
from processors.settlement.book.stream_text import STREAM_BYTES_MIN
from processors.settlement.output.waiting import await_pages
from processors.settlement.rules.watermark import SOURCES
from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.settlement.state.listener_rows import read_impressions, read_listeners, read_played
from processors.settlement.state.row_columns import WrittenRows, row_columns
from processors.settlement.state.row_keys import IMPRESSION_KIND, LISTENER_KIND, PARTITION_KEY, listener_in
from processors.wire.batch import end_to_end

_touch_in, _exposure_count_in = LISTENER.reader("touch"), PAGE.reader("exposures")
Row = tuple[bytes, bytes | None]


class PartitionRow(Struct, array_like=True):
    """Times, counters and surfaces of a partition."""

    watermark_ms: int
    settled_until_ms: int
    touches: int
    ranked_touches: int
    newest_ms: dict[str, int]
    counters: dict[str, int]
    surfaces: tuple[str, ...] = ()


_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_unpack_partition = msgspec.msgpack.Decoder(PartitionRow).decode


class ChangedRows(NamedTuple):
    """The rows of a transaction: columns for listeners and impressions, and the partition's row."""

    columns: WrittenRows
    partition: tuple[bytes, bytes]

    def each(self) -> Iterator[Row]:
        """All rows one by one; a row without a value is a deletion."""
        columns = self.columns
        keys, values = columns.keys.tobytes(), columns.values.tobytes()
        key_from = value_from = 0
        ends = zip(columns.key_ends.tolist(), columns.value_ends.tolist(), columns.is_deleted.tolist(), strict=True)
        for key_end, value_end, is_deleted in ends:
            yield keys[key_from:key_end], None if is_deleted else values[value_from:value_end]
            key_from, value_from = key_end, value_end
        yield self.partition


def changed_columns(settlement: Settlement) -> ChangedRows | None:
    """The rows changed since the last call; None if there are none."""
    totals, state = settlement.book.totals[0], (dict(settlement.counters), settlement.ranked_touches)
    if not (totals["changed"] or totals["opened"] or totals["gone"]) and state == settlement.written:
        return None
    columns = row_columns(settlement.book, settlement.limits)
    rows = ChangedRows(columns, (PARTITION_KEY, _pack(_partition_row(settlement))))
    settlement.written = state
    settlement.compact()
    return rows


def changed_rows(settlement: Settlement) -> Iterator[Row]:
    """The rows that have changed since the last call, one by one."""
    rows = changed_columns(settlement)
    return iter(()) if rows is None else rows.each()


def restore(settings: SettlementSettings, rows: Iterable[tuple[bytes, bytes]]) -> Settlement:
    """The settlement that wrote these rows, in any order, ready to continue."""
    settlement = Settlement(settings)
    listeners: list[tuple[int, bytes, bytes]] = []
    impressions: list[tuple[bytes, bytes]] = []
    for key, value in rows:
        if key == PARTITION_KEY:
            _adopt_partition(settlement, _unpack_partition(value))
        elif key.startswith(LISTENER_KIND):
            listeners.append((_touch_in(value), listener_in(key), value))
        elif key.startswith(IMPRESSION_KIND):
            impressions.append((listener_in(key), value))
    if listeners:  # impressions without a listener would be skipped
        listeners.sort(key=lambda row: row[0])
        adopt(settlement, [(name, row) for _, name, row in listeners], impressions)
    return settlement


def adopt(
    settlement: Settlement, listeners: Sequence[tuple[bytes, bytes]], impressions: Sequence[tuple[bytes, bytes]]
) -> None:
    """Adopt listeners, least recent first, and their impressions: names of listeners, and rows."""
    names, rows = [name for name, _ in listeners], [row for _, row in listeners]
    _adopt_listeners(settlement, names, rows)
    _adopt_impressions(settlement, impressions, sum(map(len, rows)))
    _adopt_played(settlement, names, rows)
    await_pages(settlement.book, settlement.ranked_touches)


def _adopt_listeners(settlement: Settlement, names: Sequence[bytes], rows: Sequence[bytes]) -> None:
    text = sum(map(len, names)) + sum(map(len, rows))
    # upper bounds: each stream takes at least STREAM_BYTES_MIN bytes of a row, and its names are part of the row
    streams = text // STREAM_BYTES_MIN
    settlement.book = with_room(settlement.book, listeners=len(rows), streams=streams, plays=streams, text=text)
    read_listeners(settlement.book, *end_to_end(names), *end_to_end(rows))


def _adopt_impressions(settlement: Settlement, pairs: Sequence[tuple[bytes, bytes]], row_bytes: int) -> None:
    """Adopt pages, and reserve text for the credits in the listeners' rows: growing it twice takes seconds."""
    names, pages = [name for name, _ in pairs], [page for _, page in pairs]
    exposures = sum(map(_exposure_count_in, pages))
    text = sum(map(len, pages)) + row_bytes
    settlement.book = with_room(settlement.book, impressions=len(pages), exposures=exposures, text=text)
    read_impressions(settlement.book, *end_to_end(names), *end_to_end(pages), settlement.limits)


def _adopt_played(settlement: Settlement, names: Sequence[bytes], rows: Sequence[bytes]) -> None:
    read_played(settlement.book, *end_to_end(names), *end_to_end(rows))


def _partition_row(settlement: Settlement) -> PartitionRow:
    return PartitionRow(
        settlement.watermark_ms,
        settlement.settled_until_ms,
        settlement.touches,
        settlement.ranked_touches,
        dict(zip(SOURCES, settlement.book.clocks[:, 0].tolist(), strict=False)),
        dict(settlement.counters),
        tuple(sorted(settlement.surfaces)),
    )


def _adopt_partition(settlement: Settlement, row: PartitionRow) -> None:
    totals = settlement.book.totals[0]
    totals["watermark_ms"], totals["touches"] = row.watermark_ms, row.touches
    totals["settled_until_ms"] = row.settled_until_ms
    for clock, source in zip(settlement.book.clocks, SOURCES, strict=False):
        clock[0] = row.newest_ms[source]
    settlement.adopt_counters(row.counters)
    settlement.ranked_touches = row.ranked_touches
    settlement.surfaces.update(row.surfaces)
    settlement.written = (row.counters, row.ranked_touches)
