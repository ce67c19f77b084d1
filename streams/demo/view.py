"""The live view in the terminal: throughput, learned groups, and a listener's page with reasons."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from processors.worlds.home_page import CONTROL, LEARNING
from schemas.learning import CoClusters
from schemas.monitoring import DriftAlert, EngagementMetrics
from schemas.rankings import ShelfRanking
from streams.demo.demo_traffic import Traffic
from streams.demo.watcher import Watcher

RECENT_BUCKETS = 10
WORDS = {
    "own_streams": "you streamed it",
    "group": "listeners like you",
    "card": "does well with all",
    "newcomer": "new here",
    "exploration": "trying it out",
}


def render(traffic: Traffic, watcher: Watcher, ranking: ShelfRanking | None, rate_per_second: float) -> RenderableType:
    """The whole view."""
    return Group(
        _flow(traffic, watcher, rate_per_second),
        _co_clusters(watcher.co_clusters),
        _ranking(ranking),
        _alerts(watcher.alerts, traffic),
    )


def line(traffic: Traffic, watcher: Watcher, rate_per_second: float) -> str:
    """The same in one line, for output that is not a terminal."""
    return (
        f"{traffic.elapsed_s:5.0f} s  {rate_per_second:6.0f} events/s  lag {watcher.lag:5d}  "
        f"stream rate learning {recent_rate(watcher.metrics[LEARNING]):.3f} "
        f"control {recent_rate(watcher.metrics[CONTROL]):.3f}  alerts {len(watcher.alerts)}"
    )


def recent_rate(metrics: Sequence[EngagementMetrics]) -> float:
    """Stream rate over the newest buckets.

    >>> recent_rate([])
    0.0
    """
    recent = metrics[-RECENT_BUCKETS:]
    exposures = sum(bucket.exposures for bucket in recent)
    return sum(bucket.streamed for bucket in recent) / exposures if exposures else 0.0


def _flow(traffic: Traffic, watcher: Watcher, rate_per_second: float) -> RenderableType:
    table = Table.grid(padding=(0, 3))
    table.add_row(
        f"[bold]{traffic.elapsed_s:.0f} s[/] of {traffic.settings.seconds:.0f}",
        f"[bold]{rate_per_second:,.0f}[/] events/s",
        f"lag [bold]{watcher.lag:,}[/]",
        f"rankings of [bold]{len(traffic.subscriber.table):,}[/] listeners",
    )
    learning, control = recent_rate(watcher.metrics[LEARNING]), recent_rate(watcher.metrics[CONTROL])
    gain = f"{learning / control - 1.0:+.0%}" if control else ""
    table.add_row("stream rate", f"learning [bold green]{learning:.3f}[/]", f"random [bold]{control:.3f}[/]", gain)
    return Panel(table, title="shelfwise demo", title_align="left")


def _co_clusters(model: CoClusters | None) -> RenderableType:
    if model is None:
        return Panel(Text("warming up: no co-clusters yet", style="dim"), title="co-clusters", title_align="left")
    table = Table(box=None, pad_edge=False)
    table.add_column("user group", justify="right")
    thresholds = model.thresholds_s["mean"]
    for group in range(len(model.card_prior)):
        label = model.labels[group] if model.labels else f"card group {group}"
        table.add_column(f"{label} {model.card_prior[group]:.0%}", justify="right")
    for group, row in enumerate(thresholds):
        counts = model.count[group]
        cells = [f"{_length(limit)} [dim]{count:.0f}[/]" for limit, count in zip(row, counts, strict=True)]
        table.add_row(f"{group}  {model.user_prior[group]:.0%}", *cells)
    title = f"co-clusters, generation {model.generation}.{model.version}: a stream succeeds from (streams)"
    return Panel(table, title=title, title_align="left")


def _ranking(ranking: ShelfRanking | None) -> RenderableType:
    if ranking is None:
        return Panel(Text("no ranking yet", style="dim"), title="newest ranking", title_align="left")
    table = Table(box=None, pad_edge=False, show_header=False)
    for shelf in ranking.shelves[:3]:
        cells = [
            f"{card} {score:.3f} p={propensity:.2f}\n[dim]{WORDS[reason]} {value:+.3f}[/]"
            for card, score, propensity, reason, value in zip(
                shelf.cards[:4],
                shelf.scores[:4],
                shelf.propensities[:4],
                shelf.reasons[:4],
                shelf.reason_values[:4],
                strict=True,
            )
        ]
        table.add_row(f"[bold]{shelf.shelf_id}[/]", *cells)
    title = f"newest ranking: {ranking.user_id}, number {ranking.ranking_number}, {ranking.policy_version}"
    return Panel(table, title=title, title_align="left")


def _alerts(alerts: Sequence[DriftAlert], traffic: Traffic) -> RenderableType:
    lines = [
        f"[bold red]drift[/] user group {alert.user_group} x {alert.label}: "
        f"{_length_of_log(alert.before)} to {_length_of_log(alert.after)} ({alert.detector})"
        for alert in alerts[-3:]
    ]
    if traffic.shift is not None:
        lines.insert(0, "[dim]the world has changed in one co-cluster[/]")
    return Panel("\n".join(lines) or "[dim]none[/]", title="drift alerts", title_align="left")


def _length(seconds: float) -> str:
    """Format a duration.

    >>> _length(75.0), _length(7_200.0)
    ('1m15', '2h00')
    """
    if seconds >= 3_600.0:
        return f"{int(seconds // 3_600)}h{int(seconds % 3_600 // 60):02d}"
    return f"{int(seconds // 60)}m{int(seconds % 60):02d}"


def _length_of_log(x: float) -> str:
    return _length(float(2.718281828459045**x) - 1.0)
