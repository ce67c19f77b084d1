"""Subscribers of experiments: the variants of a listener are those that the worker assigns, on time."""

import asyncio
import time

import pytest

from processors.experiments.layer_admission import admitted, stopped
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from schemas.codec import encode
from schemas.experiments import ExperimentDefinition, ExperimentExposure
from streams.broker.embedded import EmbeddedBroker
from streams.publishing import Publisher
from streams.settings import Settings
from streams.subscribers import AsyncExperimentSubscriber, ExperimentSubscriber, TopicMissingError
from streams.topics.admin import ensure
from tests.builders import experiment, impression

USERS = [f"u{number}" for number in range(50)]


def defined() -> list[ExperimentDefinition]:
    known: dict[str, ExperimentDefinition] = {}
    for name, layer, shares in (("e", "ranking", (0.4, 0.4)), ("f", "page", (0.5, 0.3)), ("g", "ranking", (0.1, 0.1))):
        wanted = experiment(name, shares=dict(zip("ab", shares, strict=True)), layer=layer)
        known[name] = admitted(wanted, known, effective_ms=1_000)
    return [*known.values(), stopped(known["f"], 5_000)]


def assigned_by_worker(event_ms: int) -> dict[str, dict[str, str]]:
    core = Listeners(ListenersSettings(), source="listeners/0")
    for one in defined():
        core.definitions.put(one.name, one)
    core.impressions([(0, impression(event_id=f"i-{user}", user_id=user, event_ms=event_ms)) for user in USERS])
    found: dict[str, dict[str, str]] = {user: {} for user in USERS}
    for one in core.conclude().messages:
        if isinstance(one, ExperimentExposure):
            found[one.user_id][one.experiment] = one.variant
    return found


async def publish(bootstrap: str) -> None:
    async with Publisher(bootstrap) as publisher:
        for one in defined():
            await publisher.publish("experiments", one.name, encode(one))
        await publisher.publish("experiments", "odd", b"{}")
        await publisher.publish("experiments", "never", None)


def test_both_subscribers_assign_as_the_worker_does() -> None:
    async def by_loop(bootstrap: str, event_ms: int) -> dict[str, dict[str, str]]:
        async with AsyncExperimentSubscriber(bootstrap) as subscriber:
            await subscriber.caught_up()
            assert subscriber.table.counters["unreadable"] == 1
            return {user: subscriber.variants(user, event_ms=event_ms) for user in USERS}

    with EmbeddedBroker() as broker:
        ensure(Settings(), broker.bootstrap)
        asyncio.run(publish(broker.bootstrap))
        with ExperimentSubscriber(broker.bootstrap) as subscriber:
            while not subscriber.is_caught_up:
                subscriber.poll()
            for event_ms, count in ((999, 0), (1_000, 2), (5_000, 1)):
                expected = assigned_by_worker(event_ms)
                assert {user: subscriber.variants(user, event_ms=event_ms) for user in USERS} == expected
                assert asyncio.run(by_loop(broker.bootstrap, event_ms)) == expected
                assert max(map(len, expected.values())) == count
            assert subscriber.variants("u1") == subscriber.variants("u1", event_ms=round(time.time() * 1_000))
            assert subscriber.variants("u1", surface="search") == {}


def test_without_its_topic_it_says_what_to_do() -> None:
    with (
        EmbeddedBroker() as broker,
        pytest.raises(TopicMissingError, match="the topic experiments does not exist: run `shelfwise topics apply`"),
        ExperimentSubscriber(broker.bootstrap),
    ):
        pass
