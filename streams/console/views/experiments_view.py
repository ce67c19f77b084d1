"""Experiments, what the data say about each, and metrics that run against a KPI."""

from msgspec import Struct

from schemas.metric_windows import ExperimentDecision, MetricAlarm, MetricDifference
from streams.console.console_state import ConsoleState
from streams.pictures import words
from streams.pictures.figures import Table

_DECISIONS = {
    "ship": "ship",
    "stop": "stop",
    "continue": "go on: neither is known yet",
    "split-broken": "believe nothing: the numbers of listeners do not follow from the shares",
}


class ShownExperiment(Struct, frozen=True, kw_only=True):
    """One experiment in words."""

    experiment: str
    decision: str
    reasons: tuple[str, ...]
    listeners: str
    differences: Table


def experiments(state: ConsoleState) -> list[ShownExperiment]:
    """All experiments about which something was said, by name."""
    return [_shown(decision) for _, decision in sorted(state.decisions.items())]


def open_alarms(state: ConsoleState) -> list[str]:
    """Metrics that run against a KPI now, each in a sentence."""
    return [_alarm(alarm) for alarm in state.alarms.values() if alarm.state == "open"]


def _shown(decision: ExperimentDecision) -> ShownExperiment:
    winner = f" {decision.winner}" if decision.winner else ""
    return ShownExperiment(
        experiment=decision.experiment,
        decision=_DECISIONS[decision.decision] + winner,
        reasons=decision.reasons,
        listeners=", ".join(f"{words.count(count)} see {variant}" for variant, count in decision.listeners.items()),
        differences=Table(
            caption=f"{decision.experiment}: differences from the control; intervals hold at any time",
            columns=("variant", "metric", "control", "difference", "at any time"),
            rows=tuple(_row(one) for one in decision.differences),
            numeric=False,
        ),
    )


def _row(one: MetricDifference) -> tuple[str, ...]:
    relative = "" if one.relative is None else f" ({one.relative:+.1%})"
    difference = words.NOTHING if one.difference is None else f"{one.difference:+.4f}{relative}"
    interval = "not yet" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}"
    control = words.NOTHING if one.control_value is None else f"{one.control_value:.4f}"
    return one.variant, f"{one.metric} ({one.role})", control, difference, interval


def _alarm(alarm: MetricAlarm) -> str:
    where = f"{alarm.surface}, {alarm.experiment} {alarm.variant}".replace(",  ", ", ")
    return (
        f"{alarm.metric} runs against {alarm.kpi} on {where}: {alarm.metric_difference:+.1%} and "
        f"{alarm.kpi_difference:+.1%} of {alarm.baseline}"
    )
