"""Metrics and health over HTTP: `/metrics`, `/livez`, `/readyz`.

The server has its own thread and loop: it answers while the worker's main loop restores, compiles, or hangs.
"""

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.observing.pulse import Pulse
from streams.readiness import Readiness

NOTHING_HERE = "not found: use /metrics, /livez or /readyz\n"
START_S = 10.0


class HealthServer:
    """Serves while the block lasts; raises OSError if it cannot listen at the address.

    `/livez` returns 503 if the main loop is stuck, `/readyz` if a stage is unfinished, with one line per problem. Every
    other path returns 404.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, pulse: Pulse, readiness: Readiness) -> None:
        self.port = port
        """The port; known after the start if 0 was requested."""
        self._host = host
        self._registry = registry
        self._pulse = pulse
        self._readiness = readiness
        self._loop: asyncio.AbstractEventLoop
        self._stop = asyncio.Event()
        self._started: Future[int] = Future()
        self._thread = threading.Thread(target=self._work, name="health", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._started.result(START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)

    def _work(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_route("*", "/{path:.*}", _nothing_here)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port).start()
        except OSError as error:
            self._started.set_exception(error)
        else:
            self._started.set_result(int(runner.addresses[0][1]))
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _livez(self, _: web.Request) -> web.Response:
        if self._pulse.is_alive:
            return web.Response(text="alive\n")
        return web.Response(status=503, text=f"the main loop has not turned for {self._pulse.silent_s:.0f} s\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        missing = self._readiness.missing
        if not missing:
            return web.Response(text="ready\n")
        return web.Response(status=503, text="".join(f"{stage}\n" for stage in missing))


async def _nothing_here(_: web.Request) -> web.Response:
    return web.Response(status=404, text=NOTHING_HERE)
