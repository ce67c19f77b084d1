"""Runs the console: follows the topics and serves the pages, on one event loop."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from secrets import token_urlsafe
from typing import Any

import uvicorn
from typing_extensions import override

from streams.console.console_app import console_app
from streams.console.console_state import ConsoleState
from streams.console.editing import publishing, reading
from streams.console.experimenting import Experimenting
from streams.console.following import Follower
from streams.console.renaming import Renaming
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.settings import Settings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that listens at the address; raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    listening.setblocking(False)
    return listening


def address_of(listening: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class _Server(uvicorn.Server):
    """Leaves signals to the command: uvicorn's own handlers raise them again after the stop, an error."""

    @override
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # it is a generator there
        return nullcontext()


async def serve_until_signal(settings: Settings, bootstrap: str, listening: socket.socket, **options: Any) -> None:
    """Serve until SIGINT or SIGTERM; `options` are those of `serve_console`."""
    serving = asyncio.create_task(serve_console(settings, bootstrap, listening, **options))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def _editing(settings: Settings, bootstrap: str) -> dict[str, Any]:
    token, publish = token_urlsafe(32), publishing(settings, bootstrap)
    read = reading(settings, bootstrap)
    experimenting = Experimenting(token, settings, read=read, publish=publish, now_ms=wall_clock_ms)
    return {"renaming": Renaming(token, publish), "experimenting": experimenting}


async def serve_console(
    settings: Settings,
    bootstrap: str,
    listening: socket.socket,
    *,
    names: tuple[str, ...] = (),
    ready: Callable[[], None] = lambda: None,
    allow_editing: bool = False,
    listener_history: bool = False,
) -> None:
    """Serve until cancelled; raises what following the topics raises.

    `names` are host names of this machine by which browsers may reach it, besides loopback. With `allow_editing`
    whoever reaches it may rename card groups and change experiments; with `listener_history` they see what single
    listeners did lately.
    """
    surfaces = [ranking.surface for ranking in settings.ranking.by_surface()]
    state = ConsoleState(surfaces, listener_history=listener_history)
    hosts = (*LOOPBACK_NAMES, *names)
    closing = asyncio.Event()  # ends the streams of events, for which the server would wait
    app = console_app(
        state, broker=bootstrap, hosts=hosts, now_ms=wall_clock_ms, seed=settings.seed, is_closing=closing.is_set,
        **(_editing(settings, bootstrap) if allow_editing else {}),
    )  # fmt: skip
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="console")
    following = asyncio.create_task(Follower(settings, bootstrap, state).run(), name="follower")
    ready()
    try:
        await asyncio.wait([serving, following], return_when=asyncio.FIRST_COMPLETED)
    finally:
        closing.set()
        server.should_exit = True
        following.cancel()
        await asyncio.wait([serving, following])
    if not following.cancelled():
        following.result()
    serving.result()
