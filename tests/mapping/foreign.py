"""Topics of another team: plays keyed by session, pages keyed by nothing, in their own words."""

import asyncio
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from streams.worker_process import WorkerProcess
from tests.exactly_once.brokers import create_topics

PLAYS, PAGES = "playback-events", "page-views"
CONFIG = f"""
[input.stream_ends]
topic = "{PLAYS}"
user_id = "who.name"
card_id = "playlist"
played_s = "seconds"
event_ms = "at"
where = "kind == 'play'"

[input.impressions]
topic = "{PAGES}"
user_id = "viewer"
event_s = "shown"
shelves = "rows"
shelf_id = "title"
cards = "items[].uri"
seen = "items[].in_view"
"""
START_S = 1_780_000_000


class Foreign(NamedTuple):
    """A record of theirs."""

    topic: str
    partition: int
    value: bytes
    key: bytes | None = None


def play(number: int, *, seconds: float = 30.0, kind: str = "play", user: str | None = None) -> dict[str, object]:
    at = START_S + number
    return {
        "kind": kind,
        "who": {"name": user or f"u{number % 7}"},
        "playlist": f"c{number % 5}",
        "seconds": seconds,
        "at": f"{_iso(at)}",
    }


def page(number: int) -> dict[str, object]:
    items = [{"uri": f"c{card}", "in_view": card < 3} for card in range(5)]
    return {"viewer": f"u{number % 7}", "shown": START_S + number, "rows": [{"title": "jazz", "items": items}]}


def history(seed: int, count: int, partitions: int, every_s: float = 1.0) -> list[Foreign]:
    """Plays and pages in the order of their time, one every so often, spread over partitions by chance."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        topic, event = (PAGES, page(number)) if draw.random() < 0.3 else (PLAYS, play(number))
        at_s = START_S + round(number * every_s, 3)
        event |= {"shown": at_s} if topic == PAGES else {"at": _iso(at_s)}
        found.append(Foreign(topic, draw.randrange(partitions), json.dumps(event).encode(), b"session-%d" % number))
    return found


async def write(bootstrap: str, records: Sequence[Foreign]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5) as producer:
        for record in records:
            await producer.send(record.topic, record.value, record.key, record.partition)
        await producer.flush()


def prepare(bootstrap: str, folder: Path, partitions: int, config: str = CONFIG) -> Path:
    """Their topics, unless there are to be none, and ours; and the file of settings."""
    from streams.settings import load
    from streams.topics.admin import ensure

    file = folder / "mapping.toml"
    file.write_text(config)
    if partitions:
        create_topics(bootstrap, {PLAYS: partitions, PAGES: partitions + 1})
    ensure(load(file), bootstrap)
    return file


def mapping_worker(bootstrap: str, config: Path, log: Path) -> WorkerProcess:
    """A worker that maps, and does nothing else."""
    return WorkerProcess(bootstrap, {}, log, ["--config", str(config), "--tasks", "mapping"])


def written(bootstrap: str, records: Iterable[Foreign]) -> None:
    asyncio.run(write(bootstrap, list(records)))


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()
