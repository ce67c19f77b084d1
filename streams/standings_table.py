"""The leaderboard as a table: one for each yardstick, a row for each candidate, the best first."""

from collections.abc import Collection, Iterable

from rich.console import Console
from rich.table import Table

from schemas.policy_values import LOGGED, PolicyValue

WIDTH = 240
"""Of what is no terminal: a row is a line there."""
COLUMNS = (
    "value",
    "of random",
    "looking at any time",
    "less incumbent",
    "looking at any time",
    "pages",
    "ESS",
    "largest w",
    "mean w",
)
RANDOM = "uniform"
DAY_MS = 86_400_000
DAYS_MAX = 1_000.0


def print_standings(values: Iterable[PolicyValue], yardsticks: Collection[str] = ()) -> None:
    """Print values that may be believed, and why the others may not; of these yardsticks, or of all."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    by_yardstick: dict[str, list[PolicyValue]] = {}
    for value in values:
        if not yardsticks or value.yardstick in yardsticks:
            by_yardstick.setdefault(value.yardstick, []).append(value)
    for yardstick, rows in by_yardstick.items():
        console.print(standings_table(yardstick, rows))


def brief_table(title: str, values: Iterable[PolicyValue]) -> Table:
    """Candidates of one yardstick with values and verdicts, narrow enough for any terminal."""
    table = Table(title=title, title_justify="left", box=None)
    for name in ("candidate", "value", "less incumbent"):
        table.add_column(name, justify="left" if name == "candidate" else "right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for value in _by_rank(values):
        shown = ["withheld", ""] if value.value is None else [f"{value.value:.3f}", f"{value.difference or 0.0:+.3f}"]
        table.add_row(value.candidate, *shown, verdict_of(value).partition(":")[0])
    return table


def _by_rank(values: Iterable[PolicyValue]) -> list[PolicyValue]:
    return sorted(values, key=lambda value: (value.value is None, -(value.value or 0.0), value.candidate))


def standings_table(yardstick: str, values: Iterable[PolicyValue]) -> Table:
    """The table of one yardstick, also relative to random pages if these are a candidate; withheld values come last."""
    table = Table(box=None, pad_edge=False, title=f"by {yardstick}", title_justify="left")
    table.add_column("candidate", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    rows = _by_rank(values)
    baseline = next((value.value for value in rows if value.policy == RANDOM), None)
    for value in rows:
        table.add_row(*_row(value, baseline))
    return table


def verdict_of(value: PolicyValue) -> str:
    """What to do about a candidate.

    >>> from tests.leaderboard.told_values import told
    >>> [verdict_of(told(**what)) for what in ({"withheld": "log more"}, {"is_worth_testing": True}, {})]
    ['withheld: log more', 'worth an A/B test', 'not sure']
    >>> verdict_of(told(pages_more=41_234, since_ms=0, count=10_000, event_ms=2 * DAY_MS))
    'not sure: about 41,000 pages more (8.2 days)'
    """
    if value.withheld:
        return f"withheld: {value.withheld}"
    if value.candidate == value.incumbent:
        return "the incumbent"
    if value.candidate == LOGGED:
        return "what was shown"
    if value.is_worth_testing:
        return "worth an A/B test"
    is_worse = value.difference_high_anytime is not None and value.difference_high_anytime < 0.0
    if is_worse:
        return "worse than the incumbent"
    return "not sure" if value.pages_more is None else f"not sure: {_pages_more(value, value.pages_more)}"


def _pages_more(value: PolicyValue, more: int) -> str:
    """What it takes to decide about the difference, to two digits: its own size is no surer."""
    digits = len(str(more)) - 2
    days = more / max(1, value.count) * (value.event_ms - value.since_ms) / DAY_MS
    in_days = f" ({days:.2g} days)" if days < DAYS_MAX else ""
    return f"about {round(more, -digits) if digits > 0 else more:,} pages more{in_days}"


def _row(value: PolicyValue, baseline: float | None) -> list[str]:
    weights = [f"{value.count:,}", f"{value.ess:,.0f}", f"{value.weight_max:.1f}", f"{value.weight_mean:.3f}"]
    if value.value is None:
        return [value.candidate, "withheld", "", "", "", "", *weights, verdict_of(value)]
    relative = f"{value.value / baseline:.2f}" if baseline else ""
    is_own = value.candidate == value.incumbent
    difference = "" if value.difference is None or is_own else f"{value.difference:+.4f}"
    apart = "" if is_own else _interval(value.difference_low_anytime, value.difference_high_anytime, "+.4f")
    anytime = _interval(value.low_anytime, value.high_anytime, ".4f")
    return [value.candidate, f"{value.value:.4f}", relative, anytime, difference, apart, *weights, verdict_of(value)]


def _interval(low: float | None, high: float | None, form: str) -> str:
    return "not yet" if low is None or high is None else f"{low:{form}} to {high:{form}}"
