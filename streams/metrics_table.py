"""Metrics of windows, and differences of experiments, as tables."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from processors.metrics.correlation import Correlation, Row
from schemas.metric_windows import ExperimentDecision, MetricDifference, MetricValue, MetricWindow

WIDTH = 240
"""Of what is no terminal: a row is a line there."""


def console() -> Console:
    """A console that does not break lines where nobody looks."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = WIDTH
    return made


def windows_table(windows: Iterable[MetricWindow], metrics: Sequence[str]) -> Table:
    """One row for each window and arm, a column for each metric; what its surface optimises has an asterisk."""
    table = Table(box=None, pad_edge=False)
    for name in ("from (UTC)", "surface", "arm", "group"):
        table.add_column(name, no_wrap=True)
    for name in ("listeners", "exposures", *metrics, "diversity"):
        table.add_column(name, justify="right", no_wrap=True)
    for window in windows:
        values = {one.metric: one for one in window.metrics}
        arm = f"{window.experiment}/{window.variant}" if window.experiment else window.variant
        group = "all" if window.user_group < 0 else f"{window.user_group} (of {window.generation})"
        cells = [_value(values.get(name), is_goal=name == window.success) for name in metrics]
        diversity = "" if window.diversity is None else f"{window.diversity:.2f}"
        begin = datetime.fromtimestamp(window.window_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        settled = begin if window.is_settled else f"{begin} …"
        table.add_row(
            settled, window.surface, arm, group, f"{window.listeners:,}", f"{window.sums[1]:,}", *cells, diversity
        )
    return table


def correlations_table(rows: Iterable[Row]) -> Table:
    """One row for each metric and KPI; what a surface optimises has an asterisk."""
    table = Table(box=None, pad_edge=False)
    for name in ("surface", "metric", "KPI"):
        table.add_column(name, no_wrap=True)
    for name in ("between arms", "within arms"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        metric = f"{'*' if row.is_optimised else ''}{row.metric}"
        table.add_row(row.surface, metric, row.kpi, _correlation(row.between), _correlation(row.within))
    return table


def _correlation(found: Correlation | None) -> str:
    return "" if found is None else f"{found.rho:+.2f} ({found.low:+.2f} to {found.high:+.2f}, {found.points} points)"


def decision_table(decision: ExperimentDecision, *, every: bool = False) -> Table:
    """The differences of an experiment; those of its goal, guardrails and KPIs, or of every metric."""
    table = Table(box=None, pad_edge=False, title=headline(decision), title_justify="left")
    for name in ("variant", "metric", "role"):
        table.add_column(name, no_wrap=True)
    for name in ("control", "variant's", "difference", "at any time", "relative", "variance left"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in decision.differences:
        if every or one.role != "other":
            table.add_row(one.variant, one.metric, one.role, *_figures(one))
    return table


def headline(decision: ExperimentDecision) -> str:
    """The decision in one line.

    >>> headline(ExperimentDecision(experiment="e", revision=1, decision="stop", winner="", reasons=("it is worse",),
    ...     goal="stream-rate", event_ms=0, listeners={"a": 1_200, "b": 1}, expected_shares={}, ratio_p=1.0, crossed=0,
    ...     differences=(), signal_count=0))
    'e: stop (a 1,200, b 1 listeners): it is worse'
    """
    counts = ", ".join(f"{name} {count:,}" for name, count in decision.listeners.items())
    what = f"ship {decision.winner}" if decision.decision == "ship" else decision.decision
    return f"{decision.experiment}: {what} ({counts} listeners): {'; '.join(decision.reasons)}"


def _value(value: MetricValue | None, *, is_goal: bool) -> str:
    if value is None or value.value is None:
        return ""
    half = "" if value.high is None else f" ±{value.high - value.value:.3f}"
    return f"{'*' if is_goal else ''}{value.value:.3f}{half}"


def _figures(one: MetricDifference) -> list[str]:
    def shown(number: float | None, form: str) -> str:
        return "" if number is None else format(number, form)

    sure = "not yet" if one.low is None or one.high is None else f"{one.low:+.4f} to {one.high:+.4f}"
    left = "" if one.variance_left is None else f"{one.variance_left:.0%}"
    return [
        shown(one.control_value, ".4f"),
        shown(one.value, ".4f"),
        shown(one.difference, "+.4f"),
        sure,
        shown(one.relative, "+.1%"),
        left,
    ]
