"""Requests to a coordinator, which may move between brokers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import (
    ConcurrentTransactions,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    ProducerFenced,
    for_code,
)

from streams.exactly_once.errors import ReopenNeeded

BACKOFF_S = 0.02
_UNKNOWN_TO_AIOKAFKA = {90: ProducerFenced}
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping)


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
        async with self.answered_in_time():
            return await self._ask(request, codes)

    @asynccontextmanager
    async def answered_in_time(self) -> AsyncIterator[None]:
        """Raise ReopenNeeded after the timeout."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
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

    async def connect(self) -> object:
        """The present connection, made if there is none and if that succeeds."""
        with contextlib.suppress(KafkaConnectionError):
            await self._client.ready(await self._node(), group=ConnectionGroup.COORDINATION)
        return self.connection

    async def _node(self) -> int:
        if self._node_id is None:
            self._node_id = await self._client.coordinator_lookup(self._kind, self._key)
        return self._node_id

    async def _sent(self, request: Any) -> Any:
        return await self._client.send(await self._node(), request, group=ConnectionGroup.COORDINATION)
