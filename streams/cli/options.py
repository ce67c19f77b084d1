"""Options that several commands share, and what they lead to: settings, a broker, a log."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
import typer

from streams.configuration_error import ConfigurationError
from streams.files.units import DurationUnit
from streams.reachable import refuse_unless_reachable

if TYPE_CHECKING:
    from streams.settings import Settings

SEED_MAX = 2**63 - 1
COUNT_MAX = 1_000_000_000
"""More listeners, events or pages than anybody asks for; a number beyond it is a slip of the hand."""
DAYS_MAX_S = 30 * 86_400.0
_Number = TypeVar("_Number", bound=float | None)

BrokerOption = Annotated[
    str | None, typer.Option("--broker", help="Bootstrap servers; without it an embedded broker serves.")
]
NeededBrokerOption = Annotated[str | None, typer.Option("--broker", help="Bootstrap servers.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, max=SEED_MAX, help="Seed of everything random.")]
UnitOption = Annotated[
    DurationUnit, typer.Option("--duration-unit", help="Unit of the third column; auto: as its header says.")
]


def finite(number: _Number) -> _Number:
    """The callback of options that are numbers with a fraction: bounds let `nan` pass, for it is never beyond them."""
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter(f"{number} is no number")
    return number


def refuse_unless_writable(file: Path | None) -> None:
    """Raise `ConfigurationError` where nothing can be written there: asked before the work, not after it.

    >>> refuse_unless_writable(Path("/missing/report.json"))
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: cannot write /missing/report.json: there is no folder /missing
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise ConfigurationError(f"cannot write {file}: there is no folder {file.parent}")
    if file.is_dir():
        raise ConfigurationError(f"cannot write {file}: it is a folder; name a file")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ConfigurationError(f"cannot write {file}: you may not; name another file")


def all_finite(numbers: list[float] | None) -> list[float] | None:
    """The same for an option that may be repeated."""
    return numbers and [finite(number) for number in numbers]


class NoAnswerError(Exception):
    """What was asked for is not there."""


def settings_of(config: Path | None, **flags: Any) -> "Settings":
    """Settings from flags, environment and file; logs are set up by them."""
    from streams.logs import configure_logs
    from streams.settings import load

    settings = load(config, flags)
    configure_logs(settings.log_level, settings.log_format, settings.secrets())
    return settings


def needed_broker(settings: "Settings") -> str:
    """The broker to talk to; raises a usage error where none is named."""
    if settings.broker is None:
        raise typer.BadParameter("name the broker, for example --broker 127.0.0.1:9092", param_hint="--broker")
    refuse_unless_open(settings, settings.broker)
    return settings.broker


def refuse_unless_open(settings: "Settings", bootstrap: str) -> None:
    """Raise `ConfigurationError` where no broker answers (`NoBrokerError`), or where it does not let us in."""
    import asyncio

    from streams.admission import refuse_unless_admitted

    host, port = refuse_unless_reachable(bootstrap)
    asyncio.run(refuse_unless_admitted(settings, host, port))


@contextmanager
def serving_broker(settings: "Settings") -> Iterator[str]:
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
