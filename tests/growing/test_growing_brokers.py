"""`topics grow` on brokers: cut after any write and begun again, it moves everything once, and the audit holds."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from aiokafka import TopicPartition

from schemas.codec import decode, encode
from schemas.impressions import Impression
from schemas.moved import is_moved
from streams.app import build_app
from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.books import STATES
from streams.auditing.reading import read_committed
from streams.benchmarks.raw_filling import fill_raw
from streams.cli.main import run
from streams.configuration_error import ConfigurationError
from streams.connections import aiokafka_options, driver_settings, topic_names
from streams.exactly_once.errors import PartitionsDifferError
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.growing.divisions import CARDS, LISTENERS
from streams.growing.grow import grow
from streams.growing.log_columns import columns_of
from streams.publishing import Publisher
from streams.replaying.replay_run import close_books
from streams.settings import Settings
from streams.topics.admin import TopicsError
from tests.builders import card
from tests.growing.test_growing_facts import history

BEFORE, AFTER = 2, 4
START_MS = int(time.time() * 1_000) - 24 * 3_600_000
"""A day ago: what is older than a week, brokers delete."""
AUDITED = (*SETTLEMENT_TOPICS, *STATES, "catalogue", "shelf-rankings", "card-statistics")
Rows = dict[bytes, tuple[int, bytes]]


class CutError(Exception):
    """The command was killed."""


def after(settings: Settings) -> Settings:
    """The same settings, once the topics have grown."""
    return settings.model_copy(update={"page_partitions": AFTER})


def bootstrap_of(settings: Settings) -> str:
    assert settings.broker is not None
    return settings.broker


def options_of(settings: Settings) -> dict[str, Any]:
    """What a client needs beside the bootstrap servers."""
    options = aiokafka_options(settings, bootstrap_of(settings))
    return {name: it for name, it in options.items() if name != "bootstrap_servers"}


def events() -> list[Any]:
    """Pages and plays of some listeners."""
    return [_today(event) for event in history(np.random.default_rng(3))]


def _today(event: Any) -> Any:
    times = ("event_ms",) if isinstance(event, Impression) else ("event_ms", "started_ms")
    return msgspec.structs.replace(event, **{name: getattr(event, name) + START_MS for name in times})


async def send(settings: Settings, sent: list[Any], partitions: int) -> None:
    """Clients that know of so many partitions."""
    await fill_raw(bootstrap_of(settings), [_record(settings, event, partitions) for event in sent])


def _record(settings: Settings, event: Any, partitions: int) -> Produced:
    topic, key = "impressions" if isinstance(event, Impression) else "stream-ends", event.user_id.encode()
    there = topic_names(settings).at_broker(topic)
    return Produced(there, key, encode(event), (), partition_of(key, partitions), event.event_ms)


async def work(settings: Settings, until: Callable[[], Any]) -> None:
    """A worker in this process, until something holds."""
    stop = asyncio.Event()
    working = asyncio.create_task(build_app(settings, bootstrap_of(settings)).run(stop))
    try:
        while not await until():
            assert not working.done(), "the worker has ended by itself"
            await asyncio.sleep(0.5)
    finally:
        stop.set()
        await working


async def newest(settings: Settings, topic: str, partitions: int) -> list[Rows]:
    """The newest record of each key of a compacted topic, by partition, with its offset; tombstones are none."""
    driver, there = driver_settings(settings, bootstrap_of(settings)), topic_names(settings).at_broker(topic)
    found: list[Rows] = []
    for number in range(partitions):
        rows: Rows = {}
        async for records in columns_of(driver, TopicPartition(there, number)):
            for record in records:
                assert record.key is not None
                rows.pop(record.key, None)
                if record.value is not None:
                    rows[record.key] = record.offset, record.value
        found.append(rows)
    return found


async def ranked(settings: Settings) -> dict[str, int]:
    """The newest ranking number of each listener."""
    numbers: dict[str, int] = defaultdict(int)
    for _, value in await read_committed(bootstrap_of(settings), "shelf-rankings", options_of(settings)):
        if value is not None:
            ranking = decode("shelf-rankings", value)
            numbers[ranking.user_id] = max(numbers[ranking.user_id], ranking.ranking_number)
    return numbers


class Whole(NamedTuple):
    """What has to be there after growing: all rows and records, wherever they are."""

    listeners: dict[bytes, bytes]
    cards: dict[bytes, bytes]
    rankings: dict[bytes, bytes]
    statistics: dict[bytes, bytes]


async def whole(settings: Settings, partitions: int) -> Whole:
    """Everything that has an owner; refuses what lies where it does not belong, or twice."""
    parts = []
    for topic, owner_of in (
        ("listeners-state", LISTENERS.owner_of),
        ("cards-state", CARDS.owner_of),
        ("shelf-rankings", lambda key: key),
        ("card-statistics", lambda key: key),
    ):
        rows: dict[bytes, bytes] = {}
        for number, own in enumerate(await newest(settings, topic, partitions)):
            for key, (_, value) in own.items():
                owner = owner_of(key)
                if owner is not None:
                    assert partition_of(owner, partitions) == number, f"{key!r} lies in {topic}-{number}"
                    assert key not in rows
                    rows[key] = value if topic != "listeners-state" else LISTENERS.moved(key, value)
        parts.append(rows)
    return Whole(*parts)


async def grow_with_cuts(settings: Settings, seed: int) -> int:
    """Grow, cut at one of the next writes again and again; returns how often it was."""
    rng, cuts = np.random.default_rng(seed), 0
    while True:
        left = int(rng.integers(1, 9))

        def tell(_what: str, _done: float, _total: float | None = None) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise CutError

        try:
            await grow(settings, bootstrap_of(settings), AFTER, tell if cuts < 12 else lambda *_: None)
        except CutError:
            cuts += 1
        else:
            return cuts


async def story(old: Settings) -> None:
    """Traffic, growth with cuts, traffic of clients old and new, audit."""
    bootstrap, new, sent, options = bootstrap_of(old), after(old), events(), options_of(old)
    async with Publisher(bootstrap, **options) as publisher:
        for number in range(6):
            message = card(card_id=f"c{number}", shelves=("shelf-1",))
            await publisher.publish("catalogue", message.card_id, encode(message))
    await send(old, sent[:120], BEFORE)

    async def all_ranked() -> bool:
        return sum((await ranked(old)).values()) == 120

    async def ranked_and_refused() -> bool:
        if not await all_ranked():
            return False
        with pytest.raises(TopicsError, match="has 1 members: stop all its workers"):
            await grow(old, bootstrap, AFTER, lambda *_: None)
        return True

    await work(old, ranked_and_refused)
    await send(old, sent[120:150], BEFORE)  # unread when it grows
    before = await whole(old, BEFORE)
    with pytest.raises(ConfigurationError, match="no multiple of the 2"):
        await grow(old, bootstrap, 5, lambda *_: None)
    assert await grow_with_cuts(old, seed=1) > 5
    assert await whole(new, AFTER) == before
    for number, rows in enumerate(await newest(new, "listeners-state", AFTER)):
        position = Position.of_row(rows[POSITION_KEY][1])
        assert position.partition_count == AFTER, number
        assert topic_names(new).at_broker("listeners-state") not in position.outputs
    with pytest.raises(PartitionsDifferError):
        await work(old, all_ranked)
    await send(old, sent[150:200:2], BEFORE)
    await send(old, [*sent[151:200:2], *sent[200:]], AFTER)
    await close_books(bootstrap, max(event.event_ms for event in sent), new, **options)
    rules = audit_rules(new, closed=True)

    async def holds() -> bool:
        return (await audit(bootstrap, rules, topics=AUDITED, options=options)).holds

    await work(new, holds)
    found = await audit(bootstrap, rules, topics=AUDITED, options=options)
    assert found.settled == found.exposures > 300
    assert not found.dead_letters
    numbers = await ranked(old)
    assert sum(numbers[event.user_id] for event in {event.user_id: event for event in sent}.values()) == len(sent)


def test_cut_again_and_again_everything_moves_once_and_the_audit_holds(settings: Settings) -> None:
    asyncio.run(story(settings))


def test_the_command_says_what_it_did_and_refuses_with_what_to_do(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["topics", "grow", "--config", str(config), "--page-partitions"]
    assert run([*words, "3"]) == 2
    assert "ask for 2 or 4" in capsys.readouterr().err
    assert run([*words, "4", "--json"]) == 0
    assert '"after": 4' in capsys.readouterr().out
    assert run([*words, "4"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert run([*words, "2"]) == 2
    assert "topics never shrink" in capsys.readouterr().err


def test_a_growth_that_was_cut_is_finished_before_another(settings: Settings) -> None:
    bootstrap = bootstrap_of(settings)

    def cut(what: str, _done: float, _total: float | None = None) -> None:
        if what == f"{topic_names(settings).at_broker('listeners-state')} has grown":
            raise CutError

    with pytest.raises(CutError):
        asyncio.run(grow(settings, bootstrap, AFTER, cut))
    with pytest.raises(TopicsError, match="finish that one first, with --page-partitions 4"):
        asyncio.run(grow(settings, bootstrap, 8, lambda *_: None))
    for either in (settings, after(settings)):
        with pytest.raises(PartitionsDifferError):
            asyncio.run(build_app(either, bootstrap).run(asyncio.Event()))


def test_moved_copies_and_tombstones_say_so(settings: Settings) -> None:
    bootstrap, there = bootstrap_of(settings), topic_names(settings).at_broker("shelf-rankings")
    moving = next(f"user-{it}" for it in range(99) if partition_of(b"user-%d" % it, AFTER) >= BEFORE).encode()
    asyncio.run(fill_raw(bootstrap, [Produced(there, moving, b"{}", (("a", b"1"),))]))
    asyncio.run(grow(settings, bootstrap, AFTER, lambda *_: None))

    async def read() -> list[Any]:
        driver, found = driver_settings(settings, bootstrap), []
        for number in range(AFTER):
            async for records in columns_of(driver, TopicPartition(there, number)):
                found += [(number, it.value, it.headers[:1], is_moved(it.headers)) for it in records]
        return found

    old, new = partition_of(moving, BEFORE), partition_of(moving, AFTER)
    assert asyncio.run(read()) == [
        (old, b"{}", (("a", b"1"),), False),
        (old, None, (("shelfwise.moved", b"1"),), True),
        (new, b"{}", (("a", b"1"),), True),
    ]
