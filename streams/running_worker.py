"""Runs a worker in this process: checks the topics, warms up, and works until a signal stops it."""

import asyncio
import math
import os
import signal
import sys
import time
from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError as AioKafkaError
from kafka.errors import KafkaError

from streams.connections import aiokafka_options
from streams.exactly_once.observer import Observer
from streams.observing.reporting import Reporting, reporting_at, unready
from streams.pinned_model import PinnedModel
from streams.settings import Settings
from streams.stop_deadline import StopDeadline
from streams.topics.placing import misplaced_inputs

ASK_AGAIN_S = 1.0
STOP_DEADLINE_S = 25.0  # below the 30 s after which orchestrators kill


async def _made_ready(make_ready: Callable[[Settings, str], None], settings: Settings, bootstrap: str) -> None:
    """Check the topics; retry for a while if a broker is restarting."""
    patience_ms = settings.start_deadline_ms
    deadline_s = math.inf if patience_ms is None else time.monotonic() + patience_ms / 1_000
    while True:
        try:
            await asyncio.to_thread(make_ready, settings, bootstrap)
        except (KafkaError, OSError):
            if time.monotonic() > deadline_s:
                raise
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


async def _warn_of_misplaced(settings: Settings, bootstrap: str) -> None:
    """Warn of keys in wrong partitions; errors of this check are only logged."""
    log = structlog.get_logger("shelfwise.worker")
    try:
        for found in await misplaced_inputs(bootstrap, aiokafka_options(settings, bootstrap)):
            log.warning("wrong_partitioner", what=str(found))
    except (AioKafkaError, OSError, TimeoutError) as error:
        log.info("partitions_not_looked_at", why=repr(error))


def _leave_at_once() -> None:
    """Exit while compiling or waiting for the broker, which could take long."""
    structlog.get_logger("shelfwise.worker").info("stopped", why="before it began")
    sys.stderr.flush()
    os._exit(0)


def _stop_in_time(stop: asyncio.Event, deadline: StopDeadline) -> None:
    stop.set()
    deadline.begin()


async def work(
    settings: Settings, bootstrap: str, observer: Observer | None = None, *, pinned: PinnedModel | None = None
) -> None:
    """Check the topics, then run a worker until a signal stops it; without an observer, with logs and metrics."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _leave_at_once)  # there is nothing to commit yet
    if observer is not None:
        await _work(settings, bootstrap, Reporting(observer, unready()), pinned, waits_for_all=True)
        return
    async with reporting_at(settings.metrics_host, settings.metrics_port) as reporting:
        await _work(settings, bootstrap, reporting, pinned, waits_for_all=False)


async def _work(
    settings: Settings, bootstrap: str, reporting: Reporting, pinned: PinnedModel | None, *, waits_for_all: bool
) -> None:
    # imported late, because it loads all compiled modules: signals and /livez are handled meanwhile
    from streams.app import build_app
    from streams.compiling.for_worker import compiling_ahead
    from streams.interpreter import calm_garbage_collection, take_turns_often
    from streams.topics.admin import ensure, refuse_unless_ready

    log = structlog.get_logger("shelfwise.worker")
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    machine_code = await compiling_ahead(settings.tasks, reporting.readiness, waits_for_all=waits_for_all)
    make_ready = ensure if settings.broker is None else refuse_unless_ready
    await _made_ready(make_ready, settings, bootstrap)
    await _warn_of_misplaced(settings, bootstrap)
    calm_garbage_collection()
    take_turns_often()
    log.info("started", broker=bootstrap, embedded=settings.broker is None, tasks=settings.tasks, group=settings.group)
    deadline = StopDeadline(STOP_DEADLINE_S, loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop_in_time, stop, deadline)
    await build_app(settings, bootstrap, reporting.observer, pinned, machine_code).run(stop)
    await machine_code.stop()
    log.info("stopped")
