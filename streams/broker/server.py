"""The asyncio server: connections, one request at a time on each, and the clock's ticks."""

import asyncio
import contextlib
import logging

from streams.broker.cleaner import clean_all
from streams.broker.faults import Fault, FaultKind, FaultPlan
from streams.broker.handlers import HANDLERS
from streams.broker.refusals import refusal
from streams.broker.state import BrokerState, wall_clock_ms
from streams.broker.wire import ProtocolViolationError, Request, decode_request, encode_response, read_frame

_log = logging.getLogger(__name__)
_TICK_S = 0.02
_CLEAN_S = 0.2
_READ_BUFFER_BYTES = 4 * 1024 * 1024
_TURNS_TO_BE_ACCEPTED = 3  # turns of the loop from the listening socket to `_accept`


class BrokerServer:
    """Serves one broker's state on one listening socket; lives in one event loop."""

    def __init__(self, state: BrokerState, faults: FaultPlan) -> None:
        self._state = state
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._cleaner: asyncio.Task[None] | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._is_stopped = False

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port; raises `OSError` if it is in use."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=_READ_BUFFER_BYTES)
        self._ticker = asyncio.create_task(self._tick_for_ever())
        self._cleaner = asyncio.create_task(self._clean_for_ever())
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening and close all connections, including those being accepted."""
        assert self._server is not None
        assert self._ticker is not None
        assert self._cleaner is not None
        self._is_stopped = True
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening)
        for _ in range(_TURNS_TO_BE_ACCEPTED):
            await asyncio.sleep(0)
        self._server.close()
        self._ticker.cancel()
        self._cleaner.cancel()
        tasks = [self._ticker, self._cleaner, *self._connections]
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                self._state.tick()
            except Exception:  # noqa: BLE001  a full disk at one tick must not stop the clock
                _log.exception("a tick of the broker failed")

    async def _clean_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_CLEAN_S)
            try:
                await clean_all(self._state.topics, wall_clock_ms())
            except Exception:  # noqa: BLE001  a topic deleted under the cleaner must not stop it
                _log.exception("the broker's cleaner failed")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # accepted before the stop, started after it: it would acknowledge records that the next broker never sees
        if self._is_stopped:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            await self._converse(reader, writer)
        except ProtocolViolationError as error:
            _log.warning("connection closed: %s", error)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has disconnected, or the broker stops
        except Exception:  # noqa: BLE001  this client is disconnected, the others are not affected
            _log.exception("a request failed; its connection is closed")
        finally:
            del self._connections[task]
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[0]
        while (frame := await read_frame(reader)) is not None:
            while self._faults.is_cut_off:  # noqa: ASYNC110  set by another thread
                await asyncio.sleep(_TICK_S)
            request = decode_request(frame, peer)
            fault = self._faults.draw(request.api)
            if fault is not None and fault.kind is FaultKind.DISCONNECT_BEFORE:
                return
            response = await self._respond(request, fault)
            if fault is not None and fault.kind is FaultKind.DISCONNECT_AFTER:
                return
            if fault is not None and fault.kind is FaultKind.DROP_ACK:
                await _read_to_the_end(reader)
                return
            if response is not None:
                writer.write(response)
                await writer.drain()

    async def _respond(self, request: Request, fault: Fault | None) -> bytearray | None:
        if fault is not None and fault.kind is FaultKind.LATENCY:
            await asyncio.sleep(fault.latency_ms / 1000.0)
        if fault is not None and fault.kind is FaultKind.ERROR:
            response = refusal(request, fault.code)
        else:
            response = await HANDLERS[request.api](self._state, request)
        return None if response is None else encode_response(request, response)


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
