"""The demo's summary, as text."""

from rich.console import Console
from rich.table import Table

from processors.ranking.calibration import CalibrationRow
from streams.demo.arms import ArmRate
from streams.demo.report import Report
from streams.standings_table import brief_table


def print_summary(report: Report, console: Console) -> None:
    """Print the results, and whether each claim holds."""
    table = Table(title="what the demo showed", title_justify="left", box=None, show_header=False)
    for name, value, held in _rows(report):
        mark = "" if held is None else ("[green]holds[/]" if held else "[red]does not hold[/]")
        table.add_row(name, value, mark)
    console.print(table)
    if report.calibration:
        console.print(_calibration(report.calibration))
    by_rate = [value for value in report.leaderboard if value.yardstick == "stream-rate"]
    if by_rate:
        console.print(brief_table("what would others have made of these pages? (stream rate)", by_rate))


def summary_facts(report: Report) -> list[tuple[str, str]]:
    """The same as names and values."""
    marks = {None: "", True: ": holds", False: ": does not hold"}
    return [(name, value + marks[held]) for name, value, held in _rows(report)]


def _calibration(rows: list[CalibrationRow]) -> Table:
    """The deciles: what was promised beside what came."""
    table = Table(title="did scores come true? (tenths of the last third's exposures)", title_justify="left", box=None)
    for name in ("score", "reward", "error", "exposures"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(f"{row.score:.3f}", f"{row.realised:.3f}", f"{row.standard_error:.3f}", f"{row.exposures:,}")
    return table


def _rows(report: Report) -> list[tuple[str, str, bool | None]]:
    audit, shift = report.audit, report.shift
    rows: list[tuple[str, str, bool | None]] = [
        ("events", f"{report.events:,} in {report.seconds:.0f} s, {report.events_per_second:,.0f} events/s", None),
        ("rankings", f"{report.rankings:,}, median {report.ranking_latency_ms['p50']:.0f} ms after the event", None),
        (
            "each exposure settled once",
            f"{audit.settled:,} of {audit.exposures:,}, {audit.corrections:,} corrections",
            audit.holds,
        ),
    ]
    rates = report.stream_rates_last_third
    rows.extend((f"stream rate, {name}, last third", _interval(rate), None) for name, rate in rates.items())
    rows.append(("learning above random", "intervals apart", report.learning_beats_random))
    rows.append(("groups found (ARI)", f"users {report.ari_users:.2f}, cards {report.ari_cards:.2f}", None))
    if report.drift_found is None:
        rows.append(("planted change", "left out: play for a minute to see it named", None))
    elif shift is not None:
        after = "not found" if shift.delay_wall_s is None else f"named after {shift.delay_wall_s:.1f} s"
        rows.append(
            (
                "planted change",
                f"{after}, {shift.alerts_before} alerts before it",
                report.drift_found,
            )
        )
    oddities = {name: count for name, count in sorted(report.counters.items()) if count}
    rows.extend((name.replace("_", " "), f"{count:,}", None) for name, count in oddities.items())
    return rows


def _interval(rate: ArmRate) -> str:
    return f"{rate.rate:.3f}  ({rate.low:.3f} to {rate.high:.3f}, {rate.exposures:,} exposures)"
