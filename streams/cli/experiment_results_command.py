"""`shelfwise experiments results`: what the data say about an experiment by now."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.compacted_topics import newest_of
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    finite,
    print_json,
    settings_of,
)

if TYPE_CHECKING:
    from schemas.metric_windows import ExperimentDecision
    from streams.settings import Settings


def results(
    name: Annotated[str, typer.Argument(help="Name of the experiment.")],
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    every_metric: Annotated[
        bool, typer.Option("--all", help="All metrics, not only goal, guardrails and KPIs.")
    ] = False,
    follow: Annotated[bool, typer.Option(help="Print again when it changes, until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, max=86_400.0, callback=finite, help="Seconds between two looks, with --follow.")
    ] = 5.0,
    json: JsonOption = False,
) -> None:
    """The decision on an experiment, and how its variants differ, by intervals that may be read at any time."""
    from streams.metrics_table import console, decision_table

    settings = settings_of(config, broker=broker)
    told: ExperimentDecision | None = None
    while True:
        decision = _decision(settings, name)
        if decision is None and not follow:
            raise NoAnswerError(
                f"there is no decision on {name!r}: see `shelfwise experiments list`, "
                "and set [metrics] enabled = true for the workers"
            )
        if decision is not None and decision != told:
            told = decision
            if json:
                print_json(msgspec.to_builtins(decision))
            else:
                console().print(decision_table(decision, every=every_metric))
        if not follow:
            return
        time.sleep(every)


def _decision(settings: "Settings", name: str) -> "ExperimentDecision | None":
    from schemas.codec import decode

    value = newest_of(settings, "experiment-decisions").get(name)
    found: ExperimentDecision | None = None if value is None else decode("experiment-decisions", value)
    return found
