"""Foreign topics through the exactly-once driver: any keys and partitions, each record once, under kills."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from schemas.codec import decode_keyed
from schemas.dead_letters import DeadLetter
from streams.app import build_app
from streams.cli.main import run
from streams.exactly_once.records.placement import partition_of
from streams.harness.interface import KafkaHarness
from streams.settings import Settings, load
from streams.topics.admin import TopicsError
from tests.exactly_once.brokers import BACKENDS, read_all
from tests.mapping.foreign import (
    CONFIG,
    PAGES,
    PLAYS,
    START_S,
    Foreign,
    history,
    mapping_worker,
    page,
    play,
    prepare,
    written,
)

COUNT = 400
PARTITIONS = 3
SLACK_MS = 30_000
"""Half of the lateness of the default settings."""
DEADLINE_S = 300.0
MARKS = {"jars": [pytest.mark.kafka, pytest.mark.slow]}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, [])) for name in BACKENDS])
def broker(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    with BACKENDS[request.param]() as harness:
        yield harness


def of(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    return asyncio.run(read_all(bootstrap, topic))


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"never: {what}"
        time.sleep(0.3)  # each question reads topics: the workers need the processor


async def work_until(bootstrap: str, settings: Settings, condition: Callable[[], bool]) -> None:
    """The next worker, in this process."""
    stop = asyncio.Event()
    working = asyncio.create_task(build_app(settings, bootstrap).run(stop))
    async with asyncio.timeout(DEADLINE_S):
        while not working.done() and not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    stop.set()
    await working


def counted(bootstrap: str, topic: str) -> Counter[str]:
    """The counters in the newest state rows of a mapping task."""
    rows = {(row.partition, row.key): row.value for row in of(bootstrap, f"mapping-{topic}-state")}
    found: Counter[str] = Counter()
    for (_, key), value in rows.items():
        if key.endswith(b"counts") and value is not None:
            found.update(json.loads(value))
    return found


def disorder_ms(records: list[ConsumerRecord]) -> int:
    """How late an event comes after a newer one of the same partition."""
    newest: dict[int, int] = {}
    worst = 0
    for record in sorted(records, key=lambda it: it.offset):
        event_ms = json.loads(record.value or b"")["event_ms"]
        worst = max(worst, newest.get(record.partition, 0) - event_ms)
        newest[record.partition] = max(newest.get(record.partition, 0), event_ms)
    return worst


def faults(bootstrap: str, topic: str) -> set[tuple[str, str, str]]:
    """Source, reason and field of the dead letters of a mapping."""
    letters = [DeadLetter.from_headers(it.headers) for it in of(bootstrap, f"mapping-{topic}.dlq")]
    return {(it.topic, it.reason, it.detail.partition(":")[0] if "_field" in it.reason else "") for it in letters}


def bad_records() -> list[Foreign]:
    broken: list[tuple[str, Any]] = [
        (PLAYS, {**play(1), "who": {}}),
        (PLAYS, {**play(2), "seconds": "long"}),
        (PLAYS, play(3, kind="pause")),
        (PAGES, {**page(4), "rows": None}),
        (PAGES, {**page(5), "shown": START_S + 100 * 365 * 86_400}),
    ]
    return [Foreign(topic, 0, json.dumps(event).encode(), b"k") for topic, event in broken] + [
        Foreign(PLAYS, 1, b"\xff{", None)
    ]


def test_each_record_is_mapped_once_keyed_by_its_listener_and_in_step_under_kills(
    broker: KafkaHarness, tmp_path: Path
) -> None:
    bootstrap = broker.bootstrap
    with pytest.raises(TopicsError, match=r"there is no topic p.* to map: correct"):
        prepare(bootstrap, tmp_path, 0)
    config = prepare(bootstrap, tmp_path, PARTITIONS)
    sent = history(seed=7, count=COUNT, partitions=PARTITIONS)
    written(bootstrap, [*bad_records(), *sent])

    def done() -> int:
        return len(of(bootstrap, "stream-ends")) + len(of(bootstrap, "impressions"))

    with mapping_worker(bootstrap, config, tmp_path / "first.log") as worker:
        wait_until(lambda: done() >= COUNT // 6, "the first of them are there")
        assert worker.process is not None
        worker.process.kill()
        worker.process.wait()
    assert done() < COUNT, "it was killed in the middle"
    asyncio.run(work_until(bootstrap, load(config, {"tasks": ("mapping",)}), lambda: done() >= COUNT))
    for topic, source in (("stream-ends", PLAYS), ("impressions", PAGES)):
        records = of(bootstrap, topic)
        messages = [decode_keyed(topic, record.key, record.value) for record in records]
        theirs = [json.loads(it.value) for it in sent if it.topic == source]
        times = Counter(START_S + number for number, it in enumerate(sent) if it.topic == source)
        assert Counter(message.event_ms // 1_000 for message in messages) == times, "each record once"
        assert len({message.event_id for message in messages}) == len(theirs)
        assert all(partition_of(record.key or b"", 4) == record.partition for record in records)
        assert disorder_ms(records) <= SLACK_MS
    assert faults(bootstrap, "stream-ends") == {
        (PLAYS, "missing_field", "user_id"),
        (PLAYS, "wrong_field", "played_s"),
        (PLAYS, "not_json", ""),
    }
    assert faults(bootstrap, "impressions") == {
        (PAGES, "missing_field", "shelves"),
        (PAGES, "event_time_ahead", ""),
    }
    assert counted(bootstrap, "stream-ends")["passed_over"] == 1
    assert sum((counted(bootstrap, "stream-ends") + counted(bootstrap, "impressions")).values()) == COUNT + 6
    repaired = tmp_path / "repaired.toml"
    repaired.write_text(CONFIG.replace("who.name", "who.name || 'nobody'"))
    words = ["dlq", "replay", "mapping-stream-ends", "--broker", bootstrap, "--config", str(repaired)]
    for _ in range(2):
        assert run(words) == 0
    [nobody] = [it for it in of(bootstrap, "stream-ends") if it.key == b"nobody"]
    assert decode_keyed("stream-ends", nobody.key, nobody.value).event_ms == (START_S + 1) * 1_000
    letters = [DeadLetter.from_headers(it.headers) for it in of(bootstrap, "mapping-stream-ends.dlq")]
    assert max(it.attempt for it in letters) == 3, "what still cannot be mapped is there again, each time"
