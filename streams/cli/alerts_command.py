"""`shelfwise alerts`: drift incidents, newest first, as a table and on a time line."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streams.cli.change_reading import changes_of_broker
from streams.cli.compacted_topics import newest_of
from streams.cli.options import (
    ConfigOption,
    JsonOption,
    NeededBrokerOption,
    NoAnswerError,
    print_json,
    settings_of,
)
from streams.cli.plotting import PlotOption, plot_if_asked, refuse_unless_plottable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.monitoring import DriftIncident
    from streams.pictures.figures import Figure
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("alerts")(alerts)


def alerts(
    broker: NeededBrokerOption = None,
    config: ConfigOption = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only incidents that are in progress.")] = False,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Which co-clusters, variants or shares have changed: before, after, how sure, and how much it matters."""
    from streams.pictures.drift_picture import drift_picture, shown_incidents
    from streams.pictures.printed_table import print_table

    refuse_unless_plottable(plot)
    settings = settings_of(config, broker=broker)
    newest = newest_of(settings, "drift-incidents").values()
    incidents = [one for one in _decoded(newest) if not (open_only and one.state == "closed")]
    if json:
        print_json({"incidents": msgspec.to_builtins(incidents)})
    elif not incidents:
        typer.echo("no incident is open" if open_only else "no incident has been told")
    figure = drift_picture(shown_incidents(incidents))
    if incidents and not json:
        print_table(figure.table)
    if plot is not None and not incidents:
        raise NoAnswerError("nothing was drawn: there is no incident")
    plot_if_asked(plot, lambda: [figure, *_changes(settings, incidents)])


def _changes(settings: "Settings", incidents: "Sequence[DriftIncident]") -> "list[Figure]":
    """Streaming times before and since; of incidents without a picture it is said why."""
    shown = changes_of_broker(settings, incidents)
    for incident_id, one in shown.items():
        if one.why_not:
            typer.echo(f"{incident_id}: {one.why_not}", err=True)
    return [one.figure for one in shown.values() if one.figure is not None]


def _decoded(values: "Iterable[bytes]") -> "list[DriftIncident]":
    from schemas.codec import decode

    return [decode("drift-incidents", value) for value in values]
