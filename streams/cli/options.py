"""Options that several commands share, and what they lead to: settings, a broker, a log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection
from typing import Annotated, Any

import orjson
import typer

from streams.logs import configure_logs
from streams.settings import ConfigurationError, Settings, load

FIND_BROKER_S = 5.0

BrokerOption = Annotated[
    str | None, typer.Option("--broker", help="Bootstrap servers; without it an embedded broker serves.")
]
NeededBrokerOption = Annotated[str | None, typer.Option("--broker", help="Bootstrap servers.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of everything random.")]


class NoBrokerError(ConfigurationError):
    """Nobody takes a connection where the broker should be."""


class NoAnswerError(Exception):
    """What was asked for is not there."""


def settings_of(config: Path | None, **flags: Any) -> Settings:
    """Settings from flags, environment and file; logs are set up by them."""
    settings = load(config, flags)
    configure_logs(settings.log_level, settings.log_format, settings.secrets())
    return settings


def needed_broker(settings: Settings) -> str:
    """The broker to talk to; raises a usage error where none is named."""
    if settings.broker is None:
        raise typer.BadParameter("name the broker, for example --broker 127.0.0.1:9092", param_hint="--broker")
    refuse_unless_open(settings, settings.broker)
    return settings.broker


def refuse_unless_open(settings: Settings, bootstrap: str) -> None:
    """Raise `ConfigurationError` where no broker answers (`NoBrokerError`), or where it does not let us in."""
    from streams.admission import refuse_unless_admitted

    host, port = refuse_unless_reachable(bootstrap)
    asyncio.run(refuse_unless_admitted(settings, host, port))


def refuse_unless_reachable(bootstrap: str) -> tuple[str, int]:
    """The first of these servers that takes a connection; raises `ConfigurationError` where none does in five seconds.

    >>> refuse_unless_reachable("127.0.0.1:1")
    Traceback (most recent call last):
    streams.cli.options.NoBrokerError: no broker answers at 127.0.0.1:1; start it, or correct --broker
    """
    for server in bootstrap.split(","):
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit():
            raise ConfigurationError(f"--broker is {bootstrap!r}; give host:port, several by comma")
        with suppress(OSError), create_connection((host.strip("[]"), int(port)), timeout=FIND_BROKER_S):
            return host.strip("[]"), int(port)
    raise NoBrokerError(f"no broker answers at {bootstrap}; start it, or correct --broker")


@contextmanager
def serving_broker(settings: Settings) -> Iterator[str]:
    """Bootstrap servers: those named, or an embedded broker's that lives as long as the block."""
    if settings.broker is not None:
        refuse_unless_open(settings, settings.broker)
        yield settings.broker
        return
    from streams.broker.embedded import EmbeddedBroker

    with EmbeddedBroker(seed=settings.seed) as broker:
        yield broker.bootstrap


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())
