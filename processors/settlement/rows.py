"""Settlement as keyed rows: one a listener, one an impression, one for the partition; written where they changed."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from processors.settlement.listener import Listener, OpenImpression, Play
from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.settlement.watermark import SourceClock
from schemas.stream_ends import StreamEnd

PARTITION_KEY = b"p"
_LISTENER, _IMPRESSION = b"l/", b"i/"
_SEPARATOR = b"\x00"


class _ListenerRow(Struct, array_like=True):
    touch: int
    event_count: int
    newest_ms: int
    offsets: dict[str, int]
    plays: list[Play]
    pending: list[StreamEnd]
    stream_ids: dict[str, int]


class _PartitionRow(Struct, array_like=True):
    watermark_ms: int
    touches: int
    clocks: dict[str, SourceClock]
    counters: dict[str, int]
    ranked_touches: int | None = None  # rows of earlier versions have none: all pages had been made


Row = tuple[bytes, bytes | None]

_pack = msgspec.msgpack.Encoder(order="deterministic").encode
_unpack_listener = msgspec.msgpack.Decoder(_ListenerRow).decode
_unpack_impression = msgspec.msgpack.Decoder(OpenImpression).decode
_unpack_partition = msgspec.msgpack.Decoder(_PartitionRow).decode


def changed_rows(settlement: Settlement) -> Iterator[Row]:
    """The rows that have changed since the last call; a row without a value is to be deleted."""
    partition = (dict(settlement.counters), settlement.ranked_touches)
    if not settlement.changed_listeners and not settlement.changed_impressions and partition == settlement.written:
        return
    settlement.tidy()
    for user_id in sorted(settlement.changed_listeners):
        listener = settlement.listeners.get(user_id)
        yield _LISTENER + user_id.encode(), None if listener is None else _pack(_row_of(listener))
    for (user_id, name), impression in settlement.changed_impressions.items():
        key = _IMPRESSION + user_id.encode() + _SEPARATOR + name.encode()
        yield key, None if impression is None else _pack(impression)
    yield PARTITION_KEY, _pack(_partition_row(settlement))
    settlement.written = partition
    settlement.changed_listeners.clear()
    settlement.changed_impressions.clear()


def restore(settings: SettlementSettings, rows: Iterable[tuple[bytes, bytes]]) -> Settlement:
    """The settlement that wrote these rows, ready to go on; the order of the rows does not matter."""
    settlement = Settlement(settings)
    listeners: dict[str, Listener] = {}
    impressions: list[tuple[str, OpenImpression]] = []
    for key, value in rows:
        if key == PARTITION_KEY:
            _adopt_partition(settlement, _unpack_partition(value))
        elif key.startswith(_LISTENER):
            listener = _listener_of(key[len(_LISTENER) :].decode(), _unpack_listener(value))
            listeners[listener.user_id] = listener
        elif key.startswith(_IMPRESSION):
            user_id = key[len(_IMPRESSION) :].split(_SEPARATOR, 1)[0].decode()
            impressions.append((user_id, _unpack_impression(value)))
    for user_id, impression in sorted(impressions, key=lambda pair: (pair[1].shown_ms, pair[1].impression_id)):
        listeners[user_id].impressions[impression.impression_id] = impression
    for listener in sorted(listeners.values(), key=lambda listener: listener.touch):
        settlement.adopt(listener)
    return settlement


def _row_of(listener: Listener) -> _ListenerRow:
    return _ListenerRow(
        listener.touch,
        listener.event_count,
        listener.newest_ms,
        listener.offsets,
        listener.plays,
        sorted(listener.pending.values(), key=lambda stream: (stream.event_ms, stream.event_id)),
        listener.stream_ids,
    )


def _listener_of(user_id: str, row: _ListenerRow) -> Listener:
    return Listener(
        user_id,
        touch=row.touch,
        event_count=row.event_count,
        newest_ms=row.newest_ms,
        offsets=row.offsets,
        plays=row.plays,
        pending={stream.event_id: stream for stream in row.pending},
        stream_ids=dict(sorted(row.stream_ids.items(), key=lambda item: item[1])),
    )


def _partition_row(settlement: Settlement) -> _PartitionRow:
    return _PartitionRow(
        settlement.watermark.value_ms,
        settlement.touches,
        settlement.watermark.clocks,
        dict(settlement.counters),
        settlement.ranked_touches,
    )


def _adopt_partition(settlement: Settlement, row: _PartitionRow) -> None:
    settlement.watermark.value_ms = row.watermark_ms
    settlement.touches = row.touches
    settlement.counters.update(row.counters)
    for name, clock in row.clocks.items():
        settlement.watermark.clocks[name] = SourceClock(newest_ms=clock.newest_ms)
    settlement.ranked_touches = row.touches if row.ranked_touches is None else row.ranked_touches
    settlement.written = (dict(settlement.counters), settlement.ranked_touches)
