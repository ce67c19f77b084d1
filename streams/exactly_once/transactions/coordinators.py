"""Clients of the coordinators of a transactional id and of a group."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    IncompatibleBrokerVersion,
    ProducerFenced,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest

from streams.exactly_once.transactions.coordinator_link import BACKOFF_S, CoordinatorLink
from streams.exactly_once.transactions.coordinator_requests import (
    DescribeTransactions,
    InitProducerId,
    StableOffsetFetch,
)
from streams.exactly_once.transactions.takeover import Identity, LastTransaction

CONFIRMED_S = 0.1
"""The longest time between a question for confirmation and the request that it is for."""
ANNOUNCED_S = 0.3
"""The time after which a request that was confirmed before an announcement has arrived."""
DISTANCE = 2.0
"""Both are longer where brokers are far away: this many times the time until an answer."""

AwaitLeaders = Callable[[Collection[TopicPartition]], Awaitable[None]]
_TRANSACTIONAL_ID_NOT_FOUND, _UNSTABLE_OFFSET_COMMIT, _NOT_ATTEMPTED = 105, 88, 55
_NOBODY = Identity(-1, -1)


class TransactionsCoordinator:
    """The coordinator of one transactional id; implements ``takeover.Coordinator``.

    Waits for leaders of all partitions before it ends a transaction, because a marker without a leader is omitted.
    """

    def __init__(
        self, client: AIOKafkaClient, transactional_id: str, timeout_ms: int, await_leaders: AwaitLeaders
    ) -> None:
        self._client = client
        self._id = transactional_id
        self._link = CoordinatorLink(client, CoordinationType.TRANSACTION, transactional_id, timeout_ms)
        self._await_leaders = await_leaders
        self._timeout_ms = timeout_ms
        self._announcements = f"{transactional_id}-takeover"
        self._announcing = CoordinatorLink(client, CoordinationType.TRANSACTION, self._announcements, timeout_ms)
        self._announced = _NOBODY
        self._answered_in_s = 0.0  # the shortest time until a confirmation; 0 before the first

    @property
    def connection(self) -> object:
        """The present connection."""
        return self._link.connection

    async def announce(self) -> None:
        """Take the next epoch of a second transactional id, and wait for what others have confirmed before."""
        request = InitProducerId(self._announcements, self._timeout_ms, *_NOBODY)
        clock = asyncio.get_running_loop().time
        asked = clock()
        while (announced := _identity(await self._announcing.ask(request, _codes_but_busy))) is None:
            await self.pause()
        self._announced = announced
        await asyncio.sleep(max(ANNOUNCED_S, DISTANCE * (clock() - asked)))

    async def describe(self) -> LastTransaction:
        """How the last transaction ended; unknown for brokers older than 3.0."""
        return await _described(self._link, self._id)

    async def _confirm(self) -> None:
        """Raise ProducerFenced if another worker has announced a takeover since this one has.

        For a request that follows without delay: a busy event loop may have taken long since the broker answered. A
        broker that is far away answers late every time, and is believed the second time.
        """
        clock = asyncio.get_running_loop().time
        while True:
            asked = clock()
            newest = (await _described(self._announcing, self._announcements)).identity
            if newest not in {self._announced, _NOBODY}:  # a broker forgets an id that has not been used for a week
                raise ProducerFenced
            took, allowed = clock() - asked, max(CONFIRMED_S, DISTANCE * self._answered_in_s)
            self._answered_in_s = min(took, self._answered_in_s or took)
            if took <= allowed:
                return

    async def _ask_confirmed(self, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        """Send a request until there is a response, confirm before each attempt; raises as ``ask`` and ``_confirm``."""
        async with self._link.answered_in_time():
            while True:
                connection = await self._link.connect()
                await self._confirm()
                if (answer := await self._link.ask_over(connection, request, codes)) is not None:
                    return answer
                await self.pause()

    async def fence(self, timeout_ms: int, *, over: object) -> Identity | None:
        """Confirm, then get the next epoch regardless of the present one, over this connection only."""
        request = InitProducerId(self._id, timeout_ms, *_NOBODY)
        await self._confirm()
        try:
            return _identity(await self._link.ask_over(over, request, _codes_but_busy))
        except TimeoutError:
            return None

    async def fence_again(self, timeout_ms: int, identity: Identity) -> Identity | None:
        """Confirm, then get the epoch after one's own."""
        request = InitProducerId(self._id, timeout_ms, *identity)
        return _identity(await self._ask_confirmed(request, _codes_but_busy))

    async def existing(self, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
        """The subset of these partitions that still exists."""
        cluster = await self._client.fetch_all_metadata()
        return {tp for tp in partitions if tp.partition in (cluster.partitions_for_topic(tp.topic) or ())}

    async def begin_completing(self, identity: Identity, partitions: Collection[TopicPartition]) -> None:
        """Begin a completing transaction with these partitions; confirm before each attempt."""
        request = AddPartitionsToTxnRequest(self._id, *identity, _listed(partitions))
        await self._await_leaders(partitions)
        await self._ask_confirmed(request, _added_codes)

    async def begin(self, identity: Identity, partitions: Collection[TopicPartition], *, over: object) -> bool:
        """Begin a transaction with these partitions over this connection, or over any if None."""
        request = AddPartitionsToTxnRequest(self._id, *identity, _listed(partitions))
        if over is None:
            await self._link.ask(request, _added_codes)
            return True
        while over is self.connection:
            if await self._link.ask_over(over, request, _added_codes) is not None:
                return True
            await self.pause()
        return False

    async def end(self, identity: Identity, *, committed: bool) -> None:
        """End a transaction."""
        await self._link.ask(EndTxnRequest(self._id, *identity, committed), lambda it: [it.error_code])

    async def pause(self) -> None:
        """Wait before a retry."""
        await asyncio.sleep(BACKOFF_S)


class GroupCoordinator:
    """The coordinator of a consumer group, for committed offsets."""

    def __init__(self, client: AIOKafkaClient, group: str, timeout_ms: int) -> None:
        self._group = group
        self._link = CoordinatorLink(client, CoordinationType.GROUP, group, timeout_ms)

    async def committed(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """Committed offsets, None if there is none; offsets of pending transactions are omitted."""
        answer = await self._link.ask(StableOffsetFetch(self._group, _by_topic(partitions)), _offset_errors)
        return {
            TopicPartition(topic, number): offset if offset >= 0 else None
            for topic, numbers, _ in answer.topics
            for number, offset, _, _, code, _ in numbers
            if code != _UNSTABLE_OFFSET_COMMIT
        }


async def _described(link: CoordinatorLink, transactional_id: str) -> LastTransaction:
    try:
        answer = await link.ask(
            DescribeTransactions([transactional_id]),
            lambda it: (code for code, *_ in it.transactions if code != _TRANSACTIONAL_ID_NOT_FOUND),
        )
    except IncompatibleBrokerVersion:
        return LastTransaction("Empty", -1, _NOBODY)
    code, _, state, timeout_ms, _, producer_id, epoch, *_ = answer.transactions[0]
    if code == _TRANSACTIONAL_ID_NOT_FOUND:
        return LastTransaction("Dead", -1, _NOBODY)
    return LastTransaction(state, timeout_ms, Identity(producer_id, epoch))


def _added_codes(answer: Any) -> Iterable[int]:
    denied = TopicAuthorizationFailedError.errno
    if topics := {topic for topic, numbers in answer.errors if any(code == denied for _, code in numbers)}:
        raise TopicAuthorizationFailedError(topics)
    return [code for _, numbers in answer.errors for _, code in numbers if code != _NOT_ATTEMPTED]


def _codes_but_busy(answer: Any) -> Iterable[int]:
    return [answer.error_code] if answer.error_code != ConcurrentTransactions.errno else []


def _identity(answer: Any) -> Identity | None:
    is_there = answer is not None and answer.error_code != ConcurrentTransactions.errno
    return Identity(answer.producer_id, answer.producer_epoch) if is_there else None


def _offset_errors(answer: Any) -> Iterable[int]:
    yield answer.error_code
    for _, numbers, _ in answer.topics:
        yield from (code for *_, code, _ in numbers if code != _UNSTABLE_OFFSET_COMMIT)


def _listed(partitions: Iterable[TopicPartition]) -> list[tuple[str, list[int]]]:
    return list(_by_topic(partitions).items())


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for tp in sorted(partitions):
        topics.setdefault(tp.topic, []).append(tp.partition)
    return topics
