"""`topics grow`: the steps in order; each finds out whether it is done, so the whole can be cut and begun again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from kafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError
from kafka.errors import KafkaError as AdminError
from msgspec import Struct

from processors.telling import Tell
from streams.connections import driver_settings, topic_names
from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import NOT_ALLOWED, NotAllowedError, ReopenNeeded
from streams.growing.cluster_standing import (
    CARDS_STATE,
    COMPACTED,
    INPUTS,
    LISTENERS_STATE,
    OTHERS,
    PAGED,
    Standing,
    refuse_while_alive,
    standing_of,
)
from streams.growing.divisions import CARDS, LISTENERS, Division
from streams.growing.draining import drain_cards, spec_of
from streams.growing.log_columns import counts_of, ends_of
from streams.growing.moving_compacted import CompactedMove
from streams.growing.moving_state import StateMove
from streams.growing.side_by_side import side_by_side
from streams.settings import Settings
from streams.topics.admin import TopicsError, admin_client, reason_of

PATIENCE_S, PAUSE_S = 120.0, 1.0
"""How long one step is retried while brokers fail, and the pause between two attempts."""
AUTHORIZATION = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
_T = TypeVar("_T")


class Grown(Struct, frozen=True, kw_only=True):
    """What was done."""

    before: int
    after: int
    was_cut: bool = False
    rows_moved: dict[str, int] = {}  # by task
    outcomes_drained: int = 0
    records_moved: dict[str, int] = {}  # by compacted topic
    seconds: dict[str, float] = {}  # by step


class Growing:
    """One run of the command."""

    def __init__(self, settings: Settings, bootstrap: str, after: int, tell: Tell) -> None:
        self._settings, self._bootstrap, self._after, self._tell = settings, bootstrap, after, tell
        self._driver: DriverSettings = driver_settings(settings, bootstrap)
        self._names = topic_names(settings)
        self._seconds: dict[str, float] = {}

    async def run(self) -> Grown:
        """Take all steps that are not done; raises `ConfigurationError`, `TopicsError`, and errors of the driver."""
        counts = await counts_of(self._driver)
        standing = standing_of({name: counts.get(self._names.at_broker(name), 0) for name in PAGED}, self._after)
        growth = standing.growth
        if standing.is_done:
            return Grown(before=growth.before, after=growth.after)
        await self._refuse_while_alive()
        rows, records, drained = {}, {}, 0
        if not standing.has_moved:
            rows["listeners"] = await self._timed("listeners", self._divide(standing, LISTENERS, LISTENERS_STATE))
            if not standing.has_grown(CARDS_STATE):
                old = self._settings.model_copy(update={"page_partitions": growth.before})
                drained = await self._timed("outcomes", drain_cards(old, self._bootstrap, self._tell))
            rows["cards"] = await self._timed("cards", self._divide(standing, CARDS, CARDS_STATE))
            await self._add_partitions(standing, OTHERS)
            for topic in COMPACTED:
                records[topic] = await self._timed(topic, self._moved(standing, topic))
            await self._timed("looking", self._patiently("look at the markers", self._refuse_unfinished))
        await self._refuse_while_alive()
        for topic in INPUTS:
            await self._add_partitions(standing, (topic,))
        return Grown(
            before=growth.before,
            after=growth.after,
            was_cut=standing.has_begun,
            rows_moved=rows,
            outcomes_drained=drained,
            records_moved=records,
            seconds=self._seconds,
        )

    async def _divide(self, standing: Standing, division: Division, topic: str) -> int:
        """Divide the state of one task."""
        await self._add_partitions(standing, (topic,))
        settings = self._settings.model_copy(update={"page_partitions": self._after, "tasks": (division.task,)})
        spec = spec_of(settings)

        async def divide(partition: int) -> int:
            move = StateMove(self._driver, spec, division, standing.growth, partition, self._tell)
            return await self._patiently(f"divide the state of {division.task}-{partition}", move.run)

        return sum(await side_by_side([partial(divide, number) for number in range(standing.growth.before)]))

    async def _moved(self, standing: Standing, topic: str) -> int:
        name, growth = self._names.at_broker(topic), standing.growth

        async def move(partition: int) -> int:
            one = CompactedMove(self._driver, topic, TopicPartition(name, partition), growth, self._tell)
            return await self._patiently(f"move {name}-{partition}", one.run)

        return sum(await side_by_side([partial(move, number) for number in range(growth.before)]))

    async def _add_partitions(self, standing: Standing, topics: Iterable[str]) -> None:
        """Add partitions to those of these topics that lack them, and wait until a broker shows them."""
        more = {self._names.at_broker(topic): self._after for topic in topics if not standing.has_grown(topic)}
        if not more:
            return
        await self._patiently(f"add partitions to {', '.join(more)}", lambda: asyncio.to_thread(self._ask_for, more))
        for topic in more:
            self._tell(f"{topic} has grown", 1, 1)

    def _ask_for(self, more: dict[str, int]) -> None:
        with admin_client(self._settings, self._bootstrap) as client:
            has = {it["name"]: len(it["partitions"]) for it in client.describe_topics(list(more))}
            lacking = {topic: count for topic, count in more.items() if has.get(topic) != count}
            if lacking:
                client.create_partitions(lacking)
            deadline_s = time.monotonic() + PATIENCE_S
            while any(len(it["partitions"]) < more[it["name"]] for it in client.describe_topics(list(more))):
                if time.monotonic() > deadline_s:
                    raise TopicsError(f"the new partitions of {', '.join(more)} do not appear: run this again")
                time.sleep(0.1)

    async def _refuse_unfinished(self) -> None:
        """Raise ReopenNeeded while a transaction of the move is open anywhere."""
        names = map(self._names.at_broker, (LISTENERS_STATE, CARDS_STATE, *COMPACTED))
        moved = [TopicPartition(name, number) for name in names for number in range(self._after)]
        for tp, (stable, end) in (await ends_of(self._driver, moved)).items():
            if stable != end:
                raise ReopenNeeded(f"a transaction in {tp.topic}-{tp.partition} has no end yet")

    async def _refuse_while_alive(self) -> None:
        def look() -> None:
            with admin_client(self._settings, self._bootstrap) as client:
                refuse_while_alive(self._settings, client)

        await self._patiently("look at the group", lambda: asyncio.to_thread(look))

    async def _timed(self, step: str, work: Awaitable[_T]) -> _T:
        started_s = time.monotonic()
        result = await work
        self._seconds[step] = round(time.monotonic() - started_s, 2)
        return result

    async def _patiently(self, what: str, work: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat a step while brokers fail: each begins again where it was cut."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            began_s = time.monotonic()
            try:
                return await work()
            except (NotAllowedError, *NOT_ALLOWED) as error:
                raise _not_allowed(what, str(error)) from error
            except (ReopenNeeded, KafkaError, AdminError, OSError, TimeoutError) as error:
                if isinstance(error, ReopenNeeded) and error.fenced:
                    raise TopicsError(
                        f"cannot {what}: a worker has taken it over; stop it, and run this again"
                    ) from error
                said = reason_of(error) if isinstance(error, AdminError) else str(error) or repr(error)
                if isinstance(error, AUTHORIZATION):
                    raise _not_allowed(what, said) from error
                if time.monotonic() > began_s + PATIENCE_S:  # it went well for so long
                    deadline_s = time.monotonic() + PATIENCE_S
                if time.monotonic() > deadline_s:
                    raise TopicsError(f"cannot {what}: {said}; mend it, and run this again") from error
                self._tell(f"{what} again, after {said}", 0)
            await asyncio.sleep(PAUSE_S)


async def grow(settings: Settings, bootstrap: str, after: int, tell: Tell) -> Grown:
    """Grow the topics with page partitions to `after`; see `Growing.run`."""
    return await Growing(settings, bootstrap, after, tell).run()


def _not_allowed(what: str, said: str) -> TopicsError:
    return TopicsError(f"cannot {what}: {said}: grant what `shelfwise topics acls --program grower` lists")
