"""Clients of the coordinators of a transactional id and of a group, which may move between brokers."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    IncompatibleBrokerVersion,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    ProducerFenced,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest

from streams.exactly_once.errors import ReopenNeeded
from streams.exactly_once.transactions.coordinator_requests import (
    DescribeTransactions,
    InitProducerId,
    StableOffsetFetch,
)
from streams.exactly_once.transactions.takeover import Identity, LastTransaction

BACKOFF_S = 0.02
AwaitLeaders = Callable[[Collection[TopicPartition]], Awaitable[None]]
_UNKNOWN_TO_AIOKAFKA = {90: ProducerFenced}
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping)
_TRANSACTIONAL_ID_NOT_FOUND, _UNSTABLE_OFFSET_COMMIT, _NOT_ATTEMPTED = 105, 88, 55
_NOBODY = Identity(-1, -1)


def _error_of(code: int) -> type[KafkaError]:
    error: type[KafkaError] = _UNKNOWN_TO_AIOKAFKA.get(code) or for_code(code)
    return error


class CoordinatorLink:
    """Finds a coordinator, sends requests to it, and finds it again when it has moved or the connection broke.

    A request takes at most ``timeout_ms``; then ReopenNeeded is raised.
    """

    def __init__(self, client: AIOKafkaClient, kind: int, key: str, timeout_ms: int) -> None:
        self._client = client
        self._kind = kind
        self._key = key
        self._timeout_s = timeout_ms / 1000
        self._node_id: int | None = None

    @property
    def connection(self) -> object:
        """The connection of requests; a new object if there is none."""
        connection = self._client._conns.get((self._node_id, ConnectionGroup.COORDINATION))  # noqa: SLF001  none public
        return connection if connection is not None and connection.connected() else object()

    async def ask_over(self, connection: object, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        """Send a request once, over this connection; None if it is not the present one, or if a retry is needed.

        Raises as ``ask`` does.
        """
        if connection is not self.connection:
            return None
        async with asyncio.timeout(self._timeout_s):
            return await self._asked_once(request, codes)

    async def ask(self, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        """Send a request until there is a response; ``codes`` extracts its error codes.

        Raises ReopenNeeded after the timeout, and the broker's error if a retry cannot help.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(request, codes)
        except TimeoutError as error:
            raise ReopenNeeded(f"the coordinator of '{self._key}' does not answer") from error

    async def _ask(self, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        while True:
            answer = await self._asked_once(request, codes)
            if answer is not None:
                return answer
            await asyncio.sleep(BACKOFF_S)

    async def _asked_once(self, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        """The response, or None if a retry may succeed later, or at another broker."""
        try:
            answer = await self._sent(request)
            errors = {_error_of(code) for code in codes(answer) if code}
        except (NodeNotReadyError, KafkaConnectionError):
            errors = {NodeNotReadyError}
        except KafkaError as error:
            if not error.retriable:
                raise
            errors = {type(error)}
        if not errors:
            return answer
        for error_type in errors:
            if error_type in _FENCED:
                raise ProducerFenced
            if not error_type.retriable and error_type not in {ConcurrentTransactions, NodeNotReadyError}:
                raise error_type(self._key)
        if errors != {ConcurrentTransactions}:
            self._node_id = None
            await self._client.force_metadata_update()
        return None

    async def _sent(self, request: Any) -> Any:
        if self._node_id is None:
            self._node_id = await self._client.coordinator_lookup(self._kind, self._key)
        return await self._client.send(self._node_id, request, group=ConnectionGroup.COORDINATION)


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

    @property
    def connection(self) -> object:
        """The present connection."""
        return self._link.connection

    async def describe(self) -> LastTransaction:
        """How the last transaction ended; unknown for brokers older than 3.0."""
        try:
            answer = await self._link.ask(
                DescribeTransactions([self._id]),
                lambda it: (code for code, *_ in it.transactions if code != _TRANSACTIONAL_ID_NOT_FOUND),
            )
        except IncompatibleBrokerVersion:
            return LastTransaction("Empty", -1, _NOBODY)
        code, _, state, timeout_ms, _, producer_id, epoch, *_ = answer.transactions[0]
        if code == _TRANSACTIONAL_ID_NOT_FOUND:
            return LastTransaction("Dead", -1, _NOBODY)
        return LastTransaction(state, timeout_ms, Identity(producer_id, epoch))

    async def fence(self, timeout_ms: int, *, over: object) -> Identity | None:
        """Get the next epoch regardless of the present one, over this connection only."""
        request = InitProducerId(self._id, timeout_ms, *_NOBODY)
        try:
            return _identity(await self._link.ask_over(over, request, _codes_but_busy))
        except TimeoutError:
            return None

    async def fence_again(self, timeout_ms: int, identity: Identity) -> Identity | None:
        """Get the epoch after one's own."""
        return _identity(await self._link.ask(InitProducerId(self._id, timeout_ms, *identity), _codes_but_busy))

    async def existing(self, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
        """The subset of these partitions that still exists."""
        cluster = await self._client.fetch_all_metadata()
        return {tp for tp in partitions if tp.partition in (cluster.partitions_for_topic(tp.topic) or ())}

    async def add_partitions(self, identity: Identity, partitions: Collection[TopicPartition]) -> None:
        """Begin a transaction with these partitions."""
        await self._await_leaders(partitions)
        await self._link.ask(AddPartitionsToTxnRequest(self._id, *identity, _listed(partitions)), _added_codes)

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
