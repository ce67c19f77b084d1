"""The inputs of a cluster in order of arrival, for a replay."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from typing import Any

from schemas.codec import UnreadableError, decode, decode_keyed
from streams.auditing.reading import stream_committed
from streams.backtesting.in_process import Event
from streams.backtesting.replayed import Forget, Line

DEFINED = ("catalogue", "experiments")
INPUTS = ("impressions", "stream-ends")


async def cluster_lines(bootstrap: str, options: Mapping[str, Any] | None = None) -> list[Line]:
    """The catalogue and the experiments as they are now, then all events that are still kept, and requests to forget.

    Records of a partition keep their order; partitions and topics are merged by event time, as far as it has come in
    each. Records that the pipeline would set aside are left out, catalogue cards that were withdrawn too.
    """
    defined: dict[tuple[str, bytes | None], Line] = {}
    for topic in DEFINED:
        async for record in stream_committed(bootstrap, topic, options):
            defined.pop((topic, record.key), None)
            if record.value is not None:
                defined[topic, record.key] = decode(topic, record.value)
    logs: defaultdict[tuple[str, int], list[tuple[int, Event | Forget]]] = defaultdict(list)
    for topic in INPUTS:
        async for record in stream_committed(bootstrap, topic, options):
            log = logs[topic, record.partition]
            line = _line(topic, record.key, record.value)
            if line is not None:
                reached_ms = log[-1][0] if log else 0
                log.append((reached_ms if isinstance(line, Forget) else max(reached_ms, line.event_ms), line))
    return [*defined.values(), *_merged(logs.values())]


def _line(topic: str, key: bytes | None, value: bytes | None) -> Event | Forget | None:
    if value is None:
        return Forget(key.decode(errors="replace")) if key else None
    try:
        event: Event = decode_keyed(topic, key, value)
    except UnreadableError:
        return None
    return event


def _merged(logs: Iterable[list[tuple[int, Event | Forget]]]) -> Iterator[Event | Forget]:
    """By event time reached; each log stays in its own order."""
    for _, line in merge(*logs, key=lambda one: one[0]):
        yield line
