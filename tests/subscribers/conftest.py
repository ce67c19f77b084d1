"""Brokers with an empty topic of rankings, and both subscribers driven alike."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from schemas.codec import encode
from schemas.rankings import RankedShelf, ShelfRanking
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.subscribers import AsyncRankingSubscriber, Found, RankingSubscriber
from streams.subscribers.ranking_table import TOPIC

DEADLINE_S = 120.0
BACKENDS = ("embedded", "jars")


def ranking(user_id: str, number: int, *, event_ms: int | None = None, weights: Sequence[float] = ()) -> bytes:
    shelf = RankedShelf(
        shelf_id="shelf-1",
        score=0.5,
        propensity=1.0,
        cards=(f"card-{number}",),
        scores=(0.5,),
        propensities=(1.0,),
        reasons=("card",),
        reason_values=(0.0,),
        second_reasons=("newcomer",),
        second_values=(0.0,),
    )
    return encode(
        ShelfRanking(
            user_id=user_id,
            ranking_number=number,
            event_ms=1_000 * number if event_ms is None else event_ms,
            shelves=(shelf,),
            policy_version="uniform",
            reward_version="static",
            model_version="0.0",
            draw_key=0,
            user_weights=tuple(weights),
        )
    )


def write(bootstrap: str, records: Sequence[tuple[str, bytes | None]], *, commit: bool = True) -> None:
    """One transaction, as a worker writes them."""

    async def transact() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="worker")
        await producer.start()
        try:
            await producer.begin_transaction()
            for user_id, value in records:
                await producer.send_and_wait(TOPIC, value, user_id.encode())
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()

    asyncio.run(transact())


class Blocking:
    """The synchronous subscriber, polled."""

    def __init__(self, bootstrap: str, **options: Any) -> None:
        self.inner = RankingSubscriber(bootstrap, **options)
        self.get = self.inner.get

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.inner.__exit__(None, None, None)

    def go_on(self) -> None:
        self.inner.poll(timeout_ms=50)


class OnALoop:
    """The asynchronous subscriber on a loop that runs when told to."""

    def __init__(self, bootstrap: str, **options: Any) -> None:
        self._bootstrap, self._options = bootstrap, options

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()

        async def begin() -> AsyncRankingSubscriber:
            return await AsyncRankingSubscriber(self._bootstrap, **self._options).__aenter__()

        self.inner = self._runner.run(begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.inner.__aexit__(None, None, None))
        self._runner.close()

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        return self.inner.get(user_id, user_group=user_group)

    def go_on(self) -> None:
        self._runner.run(asyncio.sleep(0.05))


Driven = Blocking | OnALoop
SUBSCRIBERS: dict[str, type[Driven]] = {"synchronous": Blocking, "asynchronous": OnALoop}


def until(driven: Driven, condition: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "what should come did not"
        driven.go_on()


def catch_up(driven: Driven) -> None:
    until(driven, lambda: driven.inner.is_caught_up)


def own(driven: Driven, user_id: str) -> int | None:
    """The number of the listener's own ranking."""
    found = driven.get(user_id)
    return found.ranking.ranking_number if found is not None and found.source == "own" else None


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.kafka] * (name == "jars")) for name in BACKENDS]
)
def harness(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    if request.param == "jars":
        yield request.getfixturevalue("shared_kafka")
        return
    with EmbeddedKafka() as started:
        yield started


@pytest.fixture(params=list(SUBSCRIBERS))
def subscriber(request: pytest.FixtureRequest) -> type[Driven]:
    return SUBSCRIBERS[request.param]


@contextmanager
def admin_client(bootstrap: str) -> Iterator[Any]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        yield admin
    finally:
        admin.close()


@pytest.fixture
def bootstrap(harness: KafkaHarness) -> Iterator[str]:
    """A broker with a topic of rankings in which nothing stands."""
    topic = NewTopic(TOPIC, num_partitions=2, replication_factor=1, topic_configs={"cleanup.policy": "compact"})
    deadline_s = time.monotonic() + DEADLINE_S
    with admin_client(harness.bootstrap) as admin:
        while True:
            try:
                admin.create_topics([topic])
                break
            except KafkaError:  # the last test's is not gone yet
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
    yield harness.bootstrap
    with admin_client(harness.bootstrap) as admin:
        admin.delete_topics([TOPIC])
