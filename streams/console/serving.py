"""Runs the console: follows the topics and serves the pages, on one event loop, until a signal."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn

from streams.console.console_app import console_app
from streams.console.console_state import ConsoleState
from streams.console.following import Follower
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


async def serve_console(
    settings: Settings,
    bootstrap: str,
    listening: socket.socket,
    *,
    names: tuple[str, ...] = (),
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until cancelled; raises what following the topics raises.

    `names` are host names of this machine by which browsers may reach it, besides loopback.
    """
    state = ConsoleState([ranking.surface for ranking in settings.ranking.by_surface()])
    hosts = (*LOOPBACK_NAMES, *names)
    app = console_app(state, broker=bootstrap, hosts=hosts, now_ms=wall_clock_ms, seed=settings.seed)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="console")
    following = asyncio.create_task(Follower(settings, bootstrap, state).run(), name="follower")
    ready()
    try:
        await asyncio.wait([serving, following], return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        following.cancel()
        await asyncio.wait([serving, following])
    if not following.cancelled():
        following.result()
    serving.result()
