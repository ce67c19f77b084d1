"""Subscribes to shelf rankings, and to experiments, on an event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from typing_extensions import override

from schemas.rankings import HOME
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.subscribers import experiment_table, ranking_table
from streams.subscribers.awaited_topic import AsyncTopicReader
from streams.subscribers.experiment_table import ExperimentTable
from streams.subscribers.ranking_table import Found, RankingTable


class _Arrivals:
    """Queue of listeners with a ranking that the follower has not seen, each once."""

    def __init__(self, users: Iterable[str]) -> None:
        self.some = asyncio.Event()
        self._users: dict[str, None] = {}
        for user_id in users:
            self.add(user_id)

    def add(self, user_id: str) -> None:
        """Add a listener with a new ranking."""
        self._users[user_id] = None
        self.some.set()

    def take(self) -> str:
        """The next listener; wait for `some` first."""
        user_id = next(iter(self._users))
        del self._users[user_id]
        if not self._users:
            self.some.clear()
        return user_id


class AsyncRankingSubscriber(AsyncTopicReader):
    """Reads the compacted topic from its beginning, then follows it; committed records only.

    `options` are aiokafka's own; `streams.connections.aiokafka_options` derives them from settings (TLS, SASL). While a
    broker is unavailable, `get` keeps answering, and `behind_count` tells how current it is.

        async with AsyncRankingSubscriber("127.0.0.1:9092") as subscriber:
            await subscriber.caught_up()
            page = subscriber.get("u1")
    """

    def __init__(self, bootstrap: str, *, surface: str = HOME, **options: Any) -> None:
        super().__init__(bootstrap, ranking_table.TOPIC, **options)
        self.table = RankingTable(surface)
        self._followers: list[_Arrivals] = []

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show to this listener now; raises errors of reading."""
        self.refuse_if_failed()
        return self.table.get(user_id, user_group=user_group)

    async def follow(self, *, since_now: bool = False) -> AsyncIterator[str]:
        """Yield listeners with new rankings: first each existing one once, then as rankings arrive.

        With `since_now` only those that arrive from now on. Use `get` for the ranking. A listener who gets several
        rankings before being yielded is yielded once, and `get` returns the newest. Raises errors of reading.
        """
        await self.caught_up()
        arrivals = _Arrivals([] if since_now else self.table.users())
        self._followers.append(arrivals)
        try:
            while True:
                await self._or_failed(arrivals.some.wait())
                yield arrivals.take()
        finally:
            self._followers.remove(arrivals)

    @override
    def _take(self, key: bytes | None, value: bytes | None) -> None:
        if self.table.put(key, value):
            user_id = self.table.user_of(key)
            for follower in self._followers:
                follower.add(user_id)


class AsyncExperimentSubscriber(AsyncTopicReader):
    """Reads the definitions of experiments, and follows them: who is in which variant, as the worker assigns.

    async with AsyncExperimentSubscriber("127.0.0.1:9092") as experiments:
        await experiments.caught_up()
        variant = experiments.variants("u1").get("new-layout")
    """

    def __init__(self, bootstrap: str, **options: Any) -> None:
        super().__init__(bootstrap, experiment_table.TOPIC, **options)
        self.table = ExperimentTable()

    def variants(self, user_id: str, *, surface: str = HOME, event_ms: int | None = None) -> dict[str, str]:
        """The listener's variant of each experiment that runs on a surface, now or at `event_ms`."""
        self.refuse_if_failed()
        at_ms = wall_clock_ms() if event_ms is None else event_ms
        return self.table.variants(user_id, event_ms=at_ms, surface=surface)

    @override
    def _take(self, key: bytes | None, value: bytes | None) -> None:
        self.table.put(key, value)
