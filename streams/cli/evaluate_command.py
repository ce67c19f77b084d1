"""`shelfwise evaluate`: counterfactual evaluation of a policy on the log of another."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import COUNT_MAX, JsonOption, all_finite, print_json
from streams.configuration_error import ConfigurationError

BATCH = 10_000
CAP_MAX = 1e12


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Counterfactual values of policies on logs.")
    group.callback()(lambda: None)
    group.command("obd")(obd)
    app.add_typer(group, name="evaluate")


def obd(
    log: Annotated[Path, typer.Option(help="Log in the CSV format of the Open Bandit Dataset, plain or gzipped.")],
    target: Annotated[str, typer.Option(help="`uniform`, or a CSV with item_id, position_1, position_2, ….")],
    cap: Annotated[
        list[float] | None,
        typer.Option(max=CAP_MAX, callback=all_finite, help="Cap of the weights for NCIS; may be repeated."),
    ] = None,
    items: Annotated[
        int | None,
        typer.Option(min=1, max=COUNT_MAX, help="Number of items of a uniform target; by default those of the log."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Estimate the click rate of a target policy on the log of another, with ESS, maximum and mean of the weights."""
    from processors.evaluation.counterfactual import CAPS, Counterfactual
    from streams.replaying.open_bandit_log import read_log, target_probabilities

    try:
        found = Counterfactual.with_caps(cap or CAPS)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    exposures = read_log(log)
    weights = target_probabilities(exposures, target, items) / exposures.propensity
    for first in range(0, len(weights), BATCH):
        part = slice(first, first + BATCH)
        found.add(weights[part], exposures.click[part])
    report = {**found.summary(), "logged": float(exposures.click.mean()), "rejected": dict(exposures.rejected)}
    if json:
        print_json(report)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    typer.echo(f"{report['n']} exposures, {sum(report['rejected'].values())} bad rows; logged {report['logged']:.6f}")
    typer.echo(f"ips    {report['ips']:.6f}\nsnips  {report['snips']:.6f}")
    for cap, value in report["ncis"].items():
        typer.echo(f"ncis   {value:.6f}  weights capped at {cap}")
    weights = f"largest {report['weight_max']:.1f}, mean {report['weight_mean']:.3f}"
    typer.echo(f"weights: {weights}, effective sample {report['ess']:.0f}")
