"""Drift incidents on a time line, with what was before and after."""

from msgspec import Struct

from streams.console.console_state import ConsoleState
from streams.pictures.drift_picture import ShownIncident, drift_picture, shown_incidents
from streams.pictures.figures import Figure


class DriftPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of drift."""

    figure: Figure | None
    incidents: list[ShownIncident]


def drift_page(state: ConsoleState) -> DriftPage:
    """The newest incidents, the newest first."""
    shown = shown_incidents(state.incidents.incidents())
    return DriftPage(figure=drift_picture(shown) if shown else None, incidents=shown)
