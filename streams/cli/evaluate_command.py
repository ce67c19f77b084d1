"""`shelfwise evaluate`: counterfactual evaluation of a policy on the log of another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.options import (
    COUNT_MAX,
    SEED_MAX,
    BrokerOption,
    ConfigOption,
    JsonOption,
    NoAnswerError,
    all_finite,
    needed_broker,
    print_json,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from processors.evaluation.confidence.paired import Difference
    from processors.evaluation.counterfactual import Counterfactual
    from streams.replaying.open_bandit_log import ExposureLog, Target

EventsOption = Annotated[
    Path | None, typer.Option(help="File of our own messages, as written by `simulate --out`, in place of a broker.")
]
BATCH = 10_000
CAP_MAX = 1e12


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Counterfactual values of policies on logs: our own, or the Open Bandit Dataset's.")
    group.callback(invoke_without_command=True)(own_log)
    group.command("log")(log)
    group.command("obd")(obd)
    app.add_typer(group, name="evaluate")


def own_log(
    context: typer.Context,
    events: EventsOption = None,
    broker: BrokerOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Counterfactual values of policies on logs; without a command, on our own log."""
    if context.invoked_subcommand is None:
        log(events, broker, config, json)


def log(
    events: EventsOption = None, broker: BrokerOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Value the configured candidates on our own log: that of a cluster, or a file of events.

    On a cluster, all evidence that is still kept counts, as the leaderboard reads it. The events of a file are
    replayed in one process, and every page is weighed, by what had been learned when it was shown.
    """
    from streams.backtesting.own_log import values_of_events, values_of_evidence
    from streams.cli.backtest_command import lines_of
    from streams.standings_table import print_standings

    settings = settings_of(config, broker=broker)
    if events is None:
        bootstrap = needed_broker(settings)
        values = values_of_evidence(settings, bootstrap)
    else:
        values = values_of_events(lines_of(events, settings), settings)
    if not values:
        raise NoAnswerError("no page has been weighed: nothing has settled, or the catalogue does not know its shelves")
    if json:
        import msgspec

        print_json({"values": msgspec.to_builtins(values)})
    else:
        print_standings(values)


def obd(
    log: Annotated[Path, typer.Option(help="Log in the CSV format of the Open Bandit Dataset, plain or gzipped.")],
    target: Annotated[str, typer.Option(help="`uniform`, or a CSV with item_id, position_1, position_2, ….")],
    cap: Annotated[
        list[float] | None,
        typer.Option(max=CAP_MAX, callback=all_finite, help="Cap of the weights for CIS and NCIS; may be repeated."),
    ] = None,
    items: Annotated[
        int | None,
        typer.Option(min=1, max=COUNT_MAX, help="Number of items of a uniform target; by default those of the log."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of the target's draws for replay.")] = 0,
    json: JsonOption = False,
) -> None:
    """Estimate the click rate of a target policy on the log of another, with every estimator and its verdict.

    A value is withheld, with the reason, if its weights do not support it. `--json` also contains the bare figures of
    withheld values, for diagnosis.
    """
    from processors.evaluation.confidence import paired
    from processors.evaluation.counterfactual import CAPS, Counterfactual
    from streams.cli.evaluate_table import print_difference, print_estimates
    from streams.replaying.open_bandit_log import read_log, target_policy

    try:
        weighted = Counterfactual.weighted(cap or CAPS)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    exposures = read_log(log)
    policy = target_policy(exposures, target, items)
    estimates = [estimate for reading in _read(exposures, policy, seed, weighted) for estimate in reading.estimates()]
    sequences = _sequences(exposures, policy) if estimates[0].verdict.is_shown else {}
    difference, chance = _less_logged(exposures, policy)
    told: dict[str, Any] = {"logged": float(exposures.click.mean()), "rejected": dict(exposures.rejected)}
    if json:
        by_name = {estimate.estimator: estimate.told() for estimate in estimates}
        compared = {"less_logged": paired.told(difference), "probability_better": chance}
        print_json({**weighted.summary(), **told, "estimates": by_name, "ips_sequences": sequences, **compared})
    else:
        print_estimates(estimates, sequences, **told)
        print_difference(difference, chance)


def _less_logged(log: "ExposureLog", target: "Target") -> "tuple[Difference, float | None]":
    """By `snips`, how much more the target is worth than what was logged, and the probability that it is more."""
    import numpy as np

    from processors.evaluation.confidence.paired import Paired
    from processors.evaluation.estimators.exposures import Exposures
    from processors.evaluation.estimators.snips import SelfNormalised

    both: Paired[Exposures] = Paired({"target": SelfNormalised(), "logged": SelfNormalised()})
    weights = target.probability / log.propensity
    columns = {"target": weights, "logged": np.ones_like(weights)}
    both.add({name: Exposures(weights=column, rewards=log.click) for name, column in columns.items()})
    difference = both.difference("target", "logged")
    return difference, both.best(seed=0)["target"] if difference.verdict.is_shown else None


def _sequences(log: "ExposureLog", target: "Target") -> dict[str, tuple[float, float]]:
    """Intervals of `ips` that hold at any time, however few the records are."""
    from processors.evaluation.confidence.betting import Betting
    from processors.evaluation.confidence.empirical_bernstein import EmpiricalBernstein

    found: dict[str, EmpiricalBernstein | Betting] = {
        "empirical-bernstein": EmpiricalBernstein(),
        "betting": Betting(),
    }
    for sequence in found.values():
        sequence.add(target.probability / log.propensity, log.click)
    return {name: sequence.interval() for name, sequence in found.items()}


def _read(log: "ExposureLog", target: "Target", seed: int, weighted: "Counterfactual") -> "list[Counterfactual]":
    """Readings of the log: by weights alone, with a model, with the model that is fitted for `mrdr`, and by matches."""
    from processors.evaluation.counterfactual import Counterfactual
    from processors.evaluation.estimators.exposures import Exposures
    from processors.evaluation.estimators.more_robust import MoreRobust
    from processors.evaluation.estimators.replay import Replay
    from processors.evaluation.reward_models import cross_fitted, more_robust_counts
    from processors.evaluation.target_matches import matches

    weights, context = target.probability / log.propensity, log.position - 1
    matched = matches(target.row, context, target.table, seed)
    readings = [weighted, Counterfactual((Replay(),)), Counterfactual.modelled(), Counterfactual((MoreRobust(),))]
    for counts, some in ((None, readings[:3]), (more_robust_counts(weights, log.propensity), readings[3:])):
        predicted, expected = cross_fitted(target.row, context, log.click, target.table, counts)
        seen = Exposures(
            weights=weights,
            rewards=log.click,
            predicted=predicted,
            expected=expected,
            matched=matched,
            propensities=log.propensity,
        )
        for first in range(0, seen.count, BATCH):
            for reading in some:
                reading.add(seen[first : first + BATCH])
    return readings
