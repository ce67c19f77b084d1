"""`shelfwise calibration`: whether the expectations that rank the home page come true."""

from typing import TYPE_CHECKING

import msgspec
import typer

from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    needed_broker,
    print_json,
    settings_of,
)
from streams.cli.plotting import PlotOption, plot_if_asked, refuse_unless_plottable

if TYPE_CHECKING:
    from schemas.monitoring import EngagementMetrics
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibration")(calibration)


def calibration(
    broker: NeededBrokerOption = None, config: ConfigOption = None, plot: PlotOption = None, json: JsonOption = False
) -> None:
    """Expected reward of the newest exposures against the settled one, by tenths, with intervals."""
    from streams.pictures.calibration_picture import calibration_picture
    from streams.pictures.printed_table import print_table

    refuse_unless_plottable(plot)
    newest = _newest(settings_of(config, broker=broker))
    if newest is None:
        raise NoAnswerError(
            "there is no calibration yet: it needs exposures that have settled since co-clusters were found, and a "
            "closed bucket of event time"
        )
    figure = calibration_picture(newest.calibration)
    if json:
        print_json({"bucket_ms": newest.bucket_ms, "tenths": msgspec.to_builtins(newest.calibration)})
    else:
        print_table(figure.table)
    plot_if_asked(plot, lambda: [figure])


def _newest(settings: "Settings") -> "EngagementMetrics | None":
    import asyncio

    from schemas.codec import decode
    from streams.auditing.reading import read_committed
    from streams.connections import aiokafka_options
    from streams.pictures.calibration_picture import newest_calibration

    options = aiokafka_options(settings, needed_broker(settings))
    records = asyncio.run(read_committed(options.pop("bootstrap_servers"), "engagement-metrics", options))
    return newest_calibration(decode("engagement-metrics", value) for _, value in records if value is not None)
