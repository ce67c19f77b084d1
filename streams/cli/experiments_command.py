"""`shelfwise experiments`: definitions of experiments on their topic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.compacted_topics import newest_of, publish
from streams.cli.experiment_results_command import results
from streams.cli.options import ConfigOption, JsonOption, NeededBrokerOption, NoAnswerError, print_json, settings_of
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from schemas.experiments import ExperimentDefinition
    from streams.experiment_plans import Plan
    from streams.settings import Settings

TOPIC = "experiments"
LEAD_MAX_S = 7 * 86_400  # that of `experiment_plans`, which is imported late
FileArgument = Annotated[Path, typer.Argument(help="TOML or JSON file with the definition.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the experiment.")]
LeadOption = Annotated[
    int,
    typer.Option(
        "--lead-s",
        min=1,
        max=LEAD_MAX_S,
        help="Seconds until it takes effect: longer than a worker needs to read it.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Experiments: who sees which variant.")
    group.command("apply")(apply)
    group.command("list")(show_all)
    group.command("show")(show)
    group.command("stop")(stop)
    group.command("results")(results)
    app.add_typer(group, name="experiments")


def apply(
    file: FileArgument,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    lead_s: LeadOption = 10,
    json: JsonOption = False,
) -> None:
    """Start an experiment, or change it: listeners keep their variants as far as the shares allow."""
    from streams.experiment_plans import plan_to_apply
    from streams.files.experiment_file import definition_in

    settings = settings_of(config, broker=broker)
    wanted = definition_in(file)
    known = _known(settings)
    try:
        plan = plan_to_apply(wanted, known, settings, _now_ms() + 1_000 * lead_s)
    except ValueError as error:
        raise ConfigurationError(f"{file}: experiment {wanted.name}: {error}") from error
    _carry_out(settings, plan, json=json)


def stop(
    name: NameArgument,
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    lead_s: LeadOption = 10,
    json: JsonOption = False,
) -> None:
    """Stop an experiment: from then on nobody is assigned to it, and its buckets are free for others."""
    from streams.experiment_plans import plan_to_stop

    settings = settings_of(config, broker=broker)
    _carry_out(settings, plan_to_stop(_one(settings, name), _now_ms() + 1_000 * lead_s), json=json)


def show_all(broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the experiments: state, layer, shares, what is to improve."""
    settings = settings_of(config, broker=broker)
    known = sorted(_known(settings).values(), key=lambda one: (one.layer, one.name))
    if json:
        print_json({"experiments": [_row(one) for one in known]})
        return
    if not known:
        typer.echo("no experiment is defined: start one with `shelfwise experiments apply FILE`")
    for one in known:
        shares = ", ".join(f"{variant.name} {variant.share:.1%}" for variant in one.variants)
        typer.echo(f"{one.name:<24} {_state(one):<9} layer {one.layer:<12} {one.metric:<16} {shares}")


def show(
    name: NameArgument, broker: NeededBrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Show an experiment with what its variants change, and its revisions."""
    settings = settings_of(config, broker=broker)
    one = _one(settings, name)
    if json:
        print_json(_row(one))
        return
    typer.echo(f"{one.name}: {_state(one)}, layer {one.layer}, on {', '.join(one.surfaces)}; {one.hypothesis or '-'}")
    guarded = ", ".join(f"{it.metric} (at most {it.loss_max:.1%} less)" for it in one.guardrails) or "nothing"
    typer.echo(
        f"improves {one.metric}, guards {guarded}; alpha {one.alpha:g}, {one.listeners_min:,} listeners at least"
    )
    for variant in one.variants:
        changed = _overrides(variant)
        what = ", ".join(f"{key} {value}" for key, value in changed.items()) or "the settings"
        typer.echo(f"  {variant.name:<16} {variant.share:>6.1%}  {what}")
    for phase in (*one.earlier, one.phase):
        shares = ", ".join(f"{variant.name} {variant.share:.1%}" for variant in phase.variants)
        typer.echo(f"  revision {phase.revision} from {_time(phase.effective_ms)}: {phase.status}, {shares}")


def _known(settings: "Settings") -> "dict[str, ExperimentDefinition]":
    from streams.experiment_plans import definitions_in

    try:
        return definitions_in(newest_of(settings, TOPIC))
    except ValueError as error:
        raise NoAnswerError(str(error)) from error


def _one(settings: "Settings", name: str) -> "ExperimentDefinition":
    known = _known(settings)
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise NoAnswerError(f"no experiment is named {name!r}; there are: {names}")
    return known[name]


def _carry_out(settings: "Settings", plan: "Plan", *, json: bool) -> None:
    """Write what is planned, if anything changes, and tell it."""
    from schemas.codec import encode

    if plan.is_changed:
        publish(settings, TOPIC, plan.made.name, encode(plan.made))
    _tell(plan.made, json=json, said=plan.said)


def _tell(definition: "ExperimentDefinition", *, json: bool, said: str) -> None:
    if json:
        print_json({**_row(definition), "said": said})
    else:
        typer.echo(f"experiment {definition.name} {said}: revision {definition.revision}, "
                   f"in force from {_time(definition.effective_ms)}")  # fmt: skip


def _row(one: "ExperimentDefinition") -> dict[str, Any]:
    from msgspec import to_builtins

    body: dict[str, Any] = to_builtins(one)
    for phase in (body, *body["earlier"]):
        for variant in phase["variants"]:
            variant["bucket_count"] = len(variant.pop("buckets"))
    return {**body, "state": _state(one)}


def _overrides(variant: Any) -> dict[str, Any]:
    from msgspec.structs import asdict

    return {key: value for key, value in asdict(variant.overrides).items() if value is not None}


def _state(one: "ExperimentDefinition") -> str:
    from streams.experiment_plans import state_at

    return state_at(one, _now_ms())


def _time(event_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(event_ms / 1_000, tz=UTC).isoformat(timespec="seconds")


def _now_ms() -> int:
    from streams.exactly_once.wall_clock import wall_clock_ms

    return wall_clock_ms()
