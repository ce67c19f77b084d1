"""`shelfwise leaderboard`: values of rewards and policies on the live log, and which are worth an A/B test."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    finite,
    needed_broker,
    print_json,
    settings_of,
)
from streams.cli.plotting import PlotOption, plot_if_asked, refuse_unless_plottable
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from schemas.policy_values import PolicyValue
    from streams.pictures.figures import Figure
    from streams.settings import Settings

YardstickOption = Annotated[
    list[str] | None, typer.Option(help="stream-rate, minutes, precision@1 or precision@3; all by default.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leaderboard")(leaderboard)


def leaderboard(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    yardstick: YardstickOption = None,
    follow: Annotated[bool, typer.Option(help="Print again when values change, until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, max=86_400.0, callback=finite, help="Seconds between two looks, with --follow.")
    ] = 5.0,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Candidates by their value on the pages that were shown, and by how much they beat the incumbent.

    A value is withheld, with the reason, if the log does not support it. "Worth an A/B test" means that an interval
    which holds at any time, for all candidates together, is above the incumbent's value.
    """
    from streams.standings_table import print_standings

    refuse_unless_plottable(plot)
    wanted = known_yardsticks(yardstick)
    settings = settings_of(config, broker=broker)
    bootstrap = needed_broker(settings)
    values = _newest(settings, bootstrap)
    if not values and not follow:
        raise NoAnswerError(
            "there are no values yet: the leaderboard needs a share of the listeners ([leaderboard] share = 0.05), "
            "and the first pages settle a horizon after they were shown"
        )
    told: list[PolicyValue] = []
    while True:
        if values != told:
            told = values
            chosen = [value for value in values if value.yardstick in wanted]
            if json:
                print_json({"values": msgspec.to_builtins(chosen)})
            else:
                print_standings(chosen)
            plot_if_asked(plot, partial(_figures, told, wanted))
        if not follow:
            return
        time.sleep(every)
        values = _newest(settings, bootstrap)


def known_yardsticks(names: list[str] | None) -> tuple[str, ...]:
    """The yardsticks of these names, or all; raises `ConfigurationError` for an unknown one."""
    from processors.leaderboard.page_terms import YARDSTICKS

    known = [one.name for one in YARDSTICKS]
    for name in names or ():
        if name not in known:
            raise ConfigurationError(f"no yardstick is named {name!r}; there are: {', '.join(known)}")
    return tuple(names or known)


def _figures(values: "list[PolicyValue]", yardsticks: tuple[str, ...]) -> "list[Figure]":
    """Values and differences by each yardstick that has values."""
    from streams.pictures.leaderboard_picture import leaderboard_pictures

    told = {value.yardstick for value in values}
    pairs = [leaderboard_pictures(values, yardstick) for yardstick in yardsticks if yardstick in told]
    return [figure for pair in pairs for figure in pair if figure.table.rows]


def _newest(settings: "Settings", bootstrap: str) -> "list[PolicyValue]":
    """The newest value of each candidate and yardstick, in the order in which they were first published."""
    import asyncio

    from schemas.codec import decode
    from streams.auditing.reading import read_committed
    from streams.connections import aiokafka_options

    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    newest: dict[bytes | None, bytes] = {}
    for key, value in asyncio.run(read_committed(bootstrap, "policy-values", options)):
        if value is None:
            newest.pop(key, None)
        else:
            newest[key] = value
    return [decode("policy-values", value) for value in newest.values()]
