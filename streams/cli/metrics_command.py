"""`shelfwise metrics`: metrics and KPIs of every surface and arm, by window or day, and alarms."""

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.compacted_topics import newest_of
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    finite,
    print_json,
    settings_of,
)
from streams.configuration_error import ConfigurationError

if TYPE_CHECKING:
    from processors.metrics.correlation import Correlation
    from schemas.metric_windows import MetricAlarm, MetricWindow
    from streams.settings import Settings

NOTHING_YET = (
    "there are no metrics yet: set [metrics] enabled = true for the workers; "
    "the first pages settle a horizon after they were shown"
)
SHOWN = ("stream-rate", "minutes-per-page", "skip-share", "discovery-share", "precision@1", "precision@3", "recall@3")
KPIS = ("returning", "minutes-per-listener", "pages-per-listener")


class By(StrEnum):
    """Length of the windows."""

    WINDOW = "window"
    DAY = "day"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("metrics")(metrics)


def metrics(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    by: Annotated[By, typer.Option(help="Windows of an hour, as set, or days with KPIs.")] = By.DAY,
    surface: Annotated[str | None, typer.Option(help="Only this surface.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics; a few by default.")] = None,
    groups: Annotated[bool, typer.Option("--groups", help="Also each user group by itself.")] = False,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="Newest windows of each surface and arm.")] = 3,
    correlated: Annotated[
        bool, typer.Option("--correlations", help="How metrics go with the KPIs over arms, groups and days.")
    ] = False,
    follow: Annotated[bool, typer.Option(help="Print again when they change, until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, max=86_400.0, callback=finite, help="Seconds between two looks, with --follow.")
    ] = 5.0,
    json: JsonOption = False,
) -> None:
    """Metrics by surface, arm and window of event time, with intervals of 95% over listeners, and alarms.

    A window that is marked with … has pages that have not settled.
    """
    from processors.metrics.metric_table import refuse_unless_metric

    try:
        for name in metric or ():
            refuse_unless_metric(name)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    settings = settings_of(config, broker=broker)
    if correlated:
        _show_correlations(_windows(settings), json=json)
        return
    columns = tuple(metric or SHOWN + (KPIS if by is By.DAY else ()))
    told: list[MetricWindow] = []
    while True:
        windows = [
            one
            for one in _windows(settings)
            if one.kind == by.value and surface in {None, one.surface} and (groups or one.user_group < 0)
        ]
        if not windows and not follow:
            raise NoAnswerError(NOTHING_YET)
        if windows != told:
            told = windows
            _show(_newest(windows, last), columns, _open_alarms(settings), json=json)
        if not follow:
            return
        time.sleep(every)


def _show_correlations(windows: "Sequence[MetricWindow]", *, json: bool) -> None:
    from processors.metrics.correlation import correlations
    from streams.metrics_table import console, correlations_table

    rows = list(correlations(windows))
    if not rows:
        raise NoAnswerError(f"{NOTHING_YET}; correlations need settled days")
    if json:
        print_json(
            {
                "correlations": [
                    {**row._asdict(), "between": _told(row.between), "within": _told(row.within)} for row in rows
                ]
            }
        )
    else:
        console().print(correlations_table(rows))


def _told(found: "Correlation | None") -> dict[str, float] | None:
    return None if found is None else found._asdict()


def _show(
    windows: "Sequence[MetricWindow]", columns: Sequence[str], alarms: "Sequence[MetricAlarm]", *, json: bool
) -> None:
    from streams.metrics_table import console, windows_table

    if json:
        print_json({"windows": msgspec.to_builtins(windows, str_keys=True), "alarms": msgspec.to_builtins(alarms)})
        return
    console().print(windows_table(windows, columns))
    for alarm in alarms:
        typer.echo(
            f"ALARM {alarm.surface} {alarm.experiment or 'variant'}/{alarm.variant} against {alarm.baseline}: "
            f"{alarm.metric} {alarm.metric_difference:+.1%}, and the KPI {alarm.kpi} {alarm.kpi_difference:+.1%}"
        )


def _windows(settings: "Settings") -> "list[MetricWindow]":
    from schemas.codec import decode

    found: list[MetricWindow] = [
        decode("metric-windows", value) for value in newest_of(settings, "metric-windows").values()
    ]
    return sorted(found, key=lambda one: (one.surface, one.experiment, one.variant, one.user_group, one.window_ms))


def _newest(windows: "Sequence[MetricWindow]", last: int) -> "list[MetricWindow]":
    by_arm: dict[tuple[str, str, str, int, int], list[MetricWindow]] = {}
    for one in windows:
        arm = (one.surface, one.experiment, one.variant, one.generation, one.user_group)
        by_arm.setdefault(arm, []).append(one)
    return [one for arm in by_arm.values() for one in arm[-last:]]


def _open_alarms(settings: "Settings") -> "list[MetricAlarm]":
    """The newest message of each alarm, of those that are open."""
    from schemas.codec import decode

    newest = (decode("metric-alarms", value) for value in newest_of(settings, "metric-alarms").values())
    return [alarm for alarm in newest if alarm.state == "open"]
