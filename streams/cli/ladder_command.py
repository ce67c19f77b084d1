"""`shelfwise ladder`: compares all rewards in a planted world, by measures independent of them."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from streams.cli.options import COUNT_MAX, SEED_MAX, JsonOption, print_json
from streams.configuration_error import ConfigurationError

THIRTY_SECONDS = (
    "y30 is a delicate measure: a reward other than the 30-s rule can win on it only if the log is biased. Thresholds"
    " fitted to co-clusters drop accidental streams caused by placement (W6); on a clean, large log nothing beats the"
    " measure itself. Choose a reward by ysat, the planted satisfaction, which cannot be observed outside of planted"
    " worlds. SNIPS reads a fresh log of the same kind: if placement confounds the log (W6), SNIPS is biased too."
)


class GroupsKnown(StrEnum):
    """Source of the groups for the bandit and the rewards."""

    TRUE = "true"
    ESTIMATED = "estimated"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ladder")(ladder)


def ladder(
    world: Annotated[str, typer.Option(help="Planted world: W1 to W6.")] = "W1",
    impressions: Annotated[
        int, typer.Option(min=1_000, max=COUNT_MAX, help="Number of random impressions, of one card each.")
    ] = 50_000,
    seeds: Annotated[int, typer.Option(min=1, max=1_000, help="Number of worlds for means and errors.")] = 5,
    groups: Annotated[
        GroupsKnown, typer.Option(help="True groups, or groups estimated from the log.")
    ] = GroupsKnown.TRUE,
    shown: Annotated[
        int, typer.Option(min=1, max=60, help="Number of cards that each policy shows to a listener.")
    ] = 3,
    first_seed: Annotated[int, typer.Option(min=0, max=SEED_MAX // 2, help="Seed of the first world.")] = 1,
    unconfounded: Annotated[
        bool, typer.Option("--unconfounded", help="Log W6 with random placement instead of its confounded past.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a policy on every reward at every grouping, from one log, and print its true value."""
    from processors.evaluation.ladder import LadderSettings, climb
    from processors.worlds.satisfaction import world_settings

    try:
        planted = world_settings(world, users=2_000, cards=120)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    settings = LadderSettings(impressions=impressions, groups=groups.value, shown=shown, confounded=not unconfounded)
    report = _report([climb(planted, settings, seed) for seed in range(first_seed, first_seed + seeds)])
    asked = {"world": world, "impressions": impressions, "seeds": seeds, "first_seed": first_seed}
    asked |= {"groups": groups.value, "shown": shown, "confounded": not unconfounded}
    if as_json:
        print_json({**asked, "policies": report, "note": THIRTY_SECONDS})
    else:
        _print(asked, report)


def _report(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """For each policy its mean values and its gain over `static`, paired by seed, with standard error."""
    from processors.evaluation.ladder import SNIPS, YARDSTICKS, paired

    report: dict[str, dict[str, Any]] = {}
    for name in runs[0]:
        row: dict[str, Any] = {key: sum(run[name][key] for run in runs) / len(runs) for key in (*YARDSTICKS, SNIPS)}
        for yardstick in YARDSTICKS:
            gain, error = paired(runs, yardstick, name, "static")
            row[f"{yardstick}_gain"] = gain
            row[f"{yardstick}_gain_error"] = error if len(runs) > 1 else None
        report[name] = row
    return report


def _print(asked: dict[str, Any], report: dict[str, dict[str, Any]]) -> None:
    typer.echo(", ".join(f"{name} {value}" for name, value in asked.items()))
    typer.echo(
        f"{'policy':24s} {'ysat':>7s} {'vs static':>17s} {'y30':>7s} {'vs static':>17s} {'SNIPS y30':>9s} {'time':>6s}"
    )
    for name, row in sorted(report.items(), key=lambda item: -item[1]["ysat"]):
        ysat, y30 = (_gain(row, yardstick) for yardstick in ("ysat", "y30"))
        values = f"{row['ysat']:7.4f} {ysat:>17s} {row['y30']:7.4f} {y30:>17s} {row['snips_y30']:9.4f}"
        typer.echo(f"{name:24s} {values} {row['time_s']:5.0f}s")
    typer.echo(THIRTY_SECONDS)


def _gain(row: dict[str, Any], yardstick: str) -> str:
    error = row[f"{yardstick}_gain_error"]
    width = "" if error is None else f" ±{100 * error:5.1f}"
    return f"{100 * row[f'{yardstick}_gain']:+7.1f}{width} %"
