"""Reads from a broker how long streams lasted before drift incidents and since."""

from typing import TYPE_CHECKING

from streams.cli.compacted_topics import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.monitoring import DriftIncident
    from streams.pictures.change_picture import ShownChange
    from streams.settings import Settings


def changes_of_broker(settings: "Settings", incidents: "Iterable[DriftIncident]") -> "dict[str, ShownChange]":
    """The picture of each incident about streaming time, as far as the topic still has co-clusters of before it."""
    from schemas.codec import decode
    from streams.pictures.change_picture import shown_changes
    from streams.pictures.time_windows import TimeWindows

    windows, models = TimeWindows(), {}
    for value in values_of(settings, "co-clusters"):
        model = decode("co-clusters", value)
        windows.take(model)
        models[model.generation] = model
    return shown_changes(incidents, windows, models)
