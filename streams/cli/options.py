"""Options shared by several commands, and the settings, broker and logs that follow from them."""

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
"""Maximum number of listeners, events or pages; a larger one is a typing error."""
DAYS_MAX_S = 30 * 86_400.0
_Number = TypeVar("_Number", bound=float | None)

BrokerOption = Annotated[
    str | None, typer.Option("--broker", help="Bootstrap servers; without it, an embedded broker is started.")
]
NeededBrokerOption = Annotated[str | None, typer.Option("--broker", help="Bootstrap servers.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, max=SEED_MAX, help="Seed of all random draws.")]
UnitOption = Annotated[
    DurationUnit, typer.Option("--duration-unit", help="Unit of the third column; auto takes it from the header.")
]
GenresOption = Annotated[
    Path | None, typer.Option(help="CSV of item and genres (`item,genres`, `|` between genres), for labels.")
]


def finite(number: _Number) -> _Number:
    """Callback of float options: bounds let `nan` pass, because it compares false."""
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter(f"{number} is not a number")
    return number


def refuse_unless_writable(file: Path | None) -> None:
    """Raise `ConfigurationError` if the path is not writable; checked before the work, not after it.

    >>> refuse_unless_writable(Path("/missing/report.json"))
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: cannot write /missing/report.json: there is no folder /missing
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise ConfigurationError(f"cannot write {file}: there is no folder {file.parent}")
    if file.is_dir():
        raise ConfigurationError(f"cannot write {file}: it is a folder; give a file name")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ConfigurationError(f"cannot write {file}: permission denied; give another file name")


def all_finite(numbers: list[float] | None) -> list[float] | None:
    """The same for an option that can be repeated."""
    return numbers and [finite(number) for number in numbers]


class NoAnswerError(Exception):
    """The requested data does not exist."""


def settings_of(config: Path | None, **flags: Any) -> "Settings":
    """Load settings from flags, environment and file, and configure logs."""
    from streams.logs import configure_logs
    from streams.settings import load

    settings = load(config, flags)
    configure_logs(settings.log_level, settings.log_format, settings.secrets())
    return settings


def needed_broker(settings: "Settings") -> str:
    """The named broker; raises a usage error if there is none."""
    if settings.broker is None:
        raise typer.BadParameter("name the broker, for example --broker 127.0.0.1:9092", param_hint="--broker")
    refuse_unless_open(settings, settings.broker)
    return settings.broker


def refuse_unless_open(settings: "Settings", bootstrap: str) -> None:
    """Raise `ConfigurationError` if no broker answers (`NoBrokerError`), or if it refuses the credentials."""
    import asyncio

    from streams.admission import refuse_unless_admitted

    host, port = refuse_unless_reachable(bootstrap)
    asyncio.run(refuse_unless_admitted(settings, host, port))


def refuse_named_topics() -> None:
    """Raise `ConfigurationError` if the environment names topics; benchmarks use the names of the table."""
    named = sorted(name for name in os.environ if name.upper().startswith("SHELFWISE_TOPICS__"))
    if named:
        raise ConfigurationError(f"demo and bench use the names of the table of topics: unset {named[0]}")


@contextmanager
def serving_broker(settings: "Settings") -> Iterator[str]:
    """Bootstrap servers: the named ones, or those of an embedded broker that lives as long as the block."""
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
