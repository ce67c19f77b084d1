"""Counterfactual values as a table: those that may be believed, and why the others may not."""

from collections.abc import Mapping, Sequence
from math import isfinite

from rich.console import Console
from rich.table import Table

from processors.evaluation.confidence.paired import Difference
from processors.evaluation.estimators.estimate import Estimate

WIDTH = 160
"""Of what is no terminal: a row is a line there."""


def print_estimates(
    estimates: Sequence[Estimate],
    sequences: Mapping[str, tuple[float, float]],
    *,
    logged: float,
    rejected: Mapping[str, int],
) -> None:
    """Print one row an estimator; a withheld value is not printed, its reason is.

    `sequences` are further intervals of `ips`, by name.
    """
    table = Table(box=None, pad_edge=False)
    for name in ("estimator", "value", "95% interval", "looking at any time", "ESS", "largest w", "mean w", "verdict"):
        is_text = name in {"estimator", "verdict"}
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold")
    for estimate in estimates:
        table.add_row(*_row(estimate))
    for name, (low, high) in sequences.items():
        table.add_row(f"ips by {name}", "", "", f"{low:.6f} to {high:.6f}")
    console = _console()
    count = estimates[0].count if estimates else 0
    console.print(f"{count} exposures, {sum(rejected.values())} bad rows; logged {logged:.6f}")
    console.print(table)


def _row(estimate: Estimate) -> list[str]:
    is_shown = estimate.verdict.is_shown
    weights = [f"{estimate.ess:.0f}", f"{estimate.weight_max:.1f}", f"{estimate.weight_mean:.3f}"]
    if not is_shown:
        return [estimate.estimator, "withheld", "", "", *weights, estimate.verdict.reason]
    intervals = [
        f"{low:.6f} to {high:.6f}" if isfinite(high) else "not yet"
        for low, high in ((estimate.low, estimate.high), (estimate.low_anytime, estimate.high_anytime))
    ]
    return [estimate.estimator, f"{estimate.value:.6f}", *intervals, *weights, "shown"]


def print_difference(difference: Difference, chance: float | None) -> None:
    """Print how much more the target is worth than what was logged, or why that is withheld."""
    if not difference.verdict.is_shown:
        said = f"withheld, {difference.verdict.reason}"
    else:
        interval = f"{difference.low:+.6f} to {difference.high:+.6f}"
        anytime = f"{difference.low_anytime:+.6f} to {difference.high_anytime:+.6f}"
        at_any_time = anytime if isfinite(difference.high_anytime) else "not yet"
        said = f"{difference.value:+.6f} ({interval}; looking at any time {at_any_time}), better with P {chance:.3f}"
    _console().print(f"target less logged, by snips: {said}")


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console
