"""The console on a broker: it reads committed records, follows what comes, and needs no more than its rights."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from schemas.topics import TOPICS, Role
from streams.broker.embedded import EmbeddedBroker
from streams.console.console_state import ConsoleState
from streams.console.console_topics import HISTORY, MEASURED, read_topics
from streams.console.following import Follower
from streams.console.views.troubles import troubles
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.harness.embedded_harness import EmbeddedKafka
from streams.settings import Settings
from streams.topics.acls import grants
from streams.topics.admin import ensure
from streams.topics.programs import Program
from tests.console.conftest import DEADLINE_S, SETTINGS, Served, page_of, write
from tests.console.told_records import everything, incident, learned, letter, record, state_of


async def followed_until(bootstrap: str, state: ConsoleState, condition: Callable[[], bool]) -> None:
    following = asyncio.create_task(Follower(SETTINGS, bootstrap, state).run())
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                assert not following.done(), following.result()
                await asyncio.sleep(0.02)
    finally:
        following.cancel()
        await asyncio.wait([following])


def test_it_knows_what_the_records_say(broker: str) -> None:
    state, told = ConsoleState(), state_of(everything())
    asyncio.run(followed_until(broker, state, lambda: state.unread_count == 0 and sum(state.version.values()) > 0))
    assert state.co_clusters == told.co_clusters
    assert not set(HISTORY) & state.version.keys(), "unless told to, it reads nothing that listeners did"
    assert state.cards == told.cards
    assert state.values == told.values
    assert state.letters.counts == told.letters.counts
    assert sorted(state.rankings["home"].users()) == sorted(told.rankings["home"].users())
    assert state.meter.partitions("impressions") == SETTINGS.page_partitions
    assert ["No worker has committed" in one.what for one in troubles(state, wall_clock_ms())].count(True) == 1


def test_it_follows_what_is_committed_and_topics_that_come_later() -> None:
    with EmbeddedBroker() as embedded:
        state, model = ConsoleState(), learned().model

        async def play() -> None:
            def is_told() -> bool:
                return state.co_clusters is not None and state.co_clusters.version == 9

            following = asyncio.create_task(followed_until(embedded.bootstrap, state, is_told))
            await asyncio.sleep(0)
            await asyncio.to_thread(ensure, SETTINGS, embedded.bootstrap)
            later = replace(model, version=9)
            await asyncio.to_thread(write, embedded.bootstrap, [letter()], commit=False)
            await asyncio.to_thread(write, embedded.bootstrap, [record("co-clusters", "model", model)])
            await asyncio.to_thread(write, embedded.bootstrap, [record("co-clusters", "model", later)])
            await following

        asyncio.run(play())
        assert not state.letters.counts, "what was aborted is not shown"


def test_a_broker_that_dies_and_comes_back_is_waited_for() -> None:
    with EmbeddedKafka() as kafka:
        ensure(SETTINGS, kafka.bootstrap)
        write(kafka.bootstrap, [letter()])
        state = ConsoleState()

        async def play() -> None:
            counts = state.letters.counts
            following = asyncio.create_task(followed_until(kafka.bootstrap, state, lambda: counts.total() == 2))
            async with asyncio.timeout(DEADLINE_S):
                while counts.total() < 1 or state.meter.newest_ms is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await asyncio.to_thread(kafka.kill)
            measured_ms = state.meter.newest_ms
            async with asyncio.timeout(DEADLINE_S):
                while not state.failed_count:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert not following.done()
            await asyncio.to_thread(kafka.restart)
            await asyncio.to_thread(write, kafka.bootstrap, [letter(offset=8)])
            await following
            assert state.meter.newest_ms >= measured_ms

        asyncio.run(play())
        assert state.letters.counts == {("impressions", "not_json"): 2}, "nothing is read twice"


def test_it_reads_what_listeners_did_where_that_is_switched_on(broker: str) -> None:
    state = ConsoleState(listener_history=True)
    asyncio.run(followed_until(broker, state, lambda: state.unread_count == 0 and sum(state.version.values()) > 0))
    assert set(HISTORY) <= state.version.keys()
    assert len(state.listeners) == 1


@pytest.mark.parametrize(("program", "history"), [(Program.CONSOLE, False), (Program.CONSOLE_HISTORY, True)])
def test_its_rights_are_to_read_what_it_reads_and_to_look_at_the_rest(program: Program, history: bool) -> None:
    given = {grant.name: grant.operations for grant in grants(program, Settings(group="home"))}
    read = set(read_topics(listener_history=history))
    assert {name for name, operations in given.items() if operations == ("Read",)} == read
    assert {name for name, operations in given.items() if operations == ("Describe",)} == {*MEASURED, "home"} - read
    private = {name for name, topic in TOPICS.items() if topic.role in {Role.STATE, Role.INPUT, Role.INTERNAL}}
    assert private & read == (set(HISTORY) if history else set()), "of events what it is told to, and no state"


def test_a_page_tells_the_news(served: Served) -> None:
    news = incident(incident_id="news", label="rain sounds", quantity="card-group-share", subjects=("3",))
    write(served.bootstrap, [record("drift-incidents", "news", news)])

    async def heard() -> None:
        async with asyncio.timeout(DEADLINE_S):
            while "rain sounds" not in await asyncio.to_thread(page_of, f"{served.address}/drift"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    asyncio.run(heard())
