"""Scans all topics of a cluster for listeners, committed records only."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from processors.telling import Tell, nobody
from schemas.composite_keys import SURFACE_SEPARATOR, parted
from schemas.topics import TOPICS, Topic
from streams.auditing.reading import read_records
from streams.forgetting.scan import Found, Scan
from streams.forgetting.traces import Traces
from streams.publishing import Publisher

TELL_EVERY = 10_000
RANKINGS = "shelf-rankings"


async def scan_topics(
    bootstrap: str,
    user_ids: Iterable[str],
    options: Mapping[str, Any] | None = None,
    tell: Tell = nobody,
    more: Iterable[Topic] = (),
) -> list[Found]:
    """Scan each topic for these listeners, and `more` that are not in the table. `options` are aiokafka's own.

    Records of aborted transactions are not scanned: no reader sees them, and they expire with their segment.
    """
    traces, found = Traces(user_ids), list[Found]()
    for topic in (*TOPICS.values(), *more):
        scan, count = Scan(topic, traces), 0
        async for record in read_records(bootstrap, topic.name, options):
            scan.take(record)
            count += 1
            if count % TELL_EVERY == 0:
                tell(f"records of {topic.name} read", count)
        found.append(scan.found())
    return found


async def look(
    bootstrap: str,
    user_id: str,
    surfaces: Collection[str],
    options: Mapping[str, Any],
    tell: Tell = nobody,
    more: Collection[Topic] = (),
) -> tuple[list[Found], list[str]]:
    """Remains of a forgotten listener, and the keys of rankings that were withdrawn here.

    These are rankings of surfaces outside `surfaces`: no worker writes them any more, and a worker that never ranked
    for them does not know of them.
    """
    found = await scan_topics(bootstrap, [user_id], options, tell, more)
    keys = [key.decode(errors="replace") for one in found if one.topic == RANKINGS for key in one.where]
    names = {key: parted(key, SURFACE_SEPARATOR) for key in keys}
    old = [key for key, (name, *rest) in names.items() if name == user_id and rest and rest[0] not in surfaces]
    if not old:
        return found, []
    async with Publisher(bootstrap, **options) as publisher:
        for key in old:
            await publisher.publish(RANKINGS, key, None)
        await publisher.flush()
    return await scan_topics(bootstrap, [user_id], options, tell, more), old
