"""Assembles logs, metrics and health of a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from streams.compiling.machine_code import STAGE_OF_READINESS
from streams.configuration_error import ConfigurationError
from streams.exactly_once.cancelling import ended
from streams.exactly_once.observer import Observer
from streams.observing.getting_ready import GROUP, INPUT, STATE, GettingReady
from streams.observing.health_server import HealthServer
from streams.observing.logging_observer import LoggingObserver
from streams.observing.metrics import MetricsObserver
from streams.observing.pulse import Pulse
from streams.observing.readiness_stages import Stages
from streams.observing.several_observers import Together
from streams.readiness import Readiness


class Reporting(NamedTuple):
    """The driver's observer, and the worker's readiness."""

    observer: Observer
    readiness: Readiness


def registry_of(readiness: Readiness) -> tuple[CollectorRegistry, MetricsObserver]:
    """A registry with all metrics of a worker, and its observer."""
    registry = CollectorRegistry()
    metrics = MetricsObserver(registry)
    registry.register(Stages(readiness))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry, metrics


@asynccontextmanager
async def reporting_at(host: str, port: int) -> AsyncIterator[Reporting]:
    """Log, count, and serve metrics and health at this address while the block lasts; a port of 0 serves nothing.

    Raises `ConfigurationError` if the address cannot be used.
    """
    readiness = unready()
    registry, metrics = registry_of(readiness)
    pulse = Pulse()
    observer = Together(pulse, GettingReady(readiness), metrics, LoggingObserver())
    with ExitStack() as serving:
        if port:
            try:
                serving.enter_context(HealthServer(host, port, registry, pulse, readiness))
            except OSError as error:
                where = f"{host}:{port}"
                raise ConfigurationError(f"metrics and health cannot be served at {where}: {error.strerror}") from error
        beating = asyncio.create_task(pulse.run(), name="pulse")
        try:
            yield Reporting(observer, readiness)
        finally:
            await ended(beating)


def unready() -> Readiness:
    """The stages of a new worker."""
    return Readiness(STAGE_OF_READINESS, GROUP, STATE, INPUT)
