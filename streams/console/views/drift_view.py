"""Drift incidents on a time line, with what was before and after."""

from msgspec import Struct

from processors.drift.subjects import STREAMING_TIME
from schemas.monitoring import DriftIncident
from streams.console.console_state import ConsoleState
from streams.pictures.change_picture import ShownChange, shown_changes
from streams.pictures.drift_picture import ShownIncident, drift_picture, shown_incidents
from streams.pictures.figures import Figure
from streams.pictures.heat_map_picture import cell_href


class DriftPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of drift."""

    figure: Figure | None
    incidents: list[ShownIncident]
    hrefs: dict[str, str]
    """Addresses of the co-clusters that incidents are about, by incident; groups of an earlier generation have none."""
    changes: dict[str, ShownChange]
    """Distributions before and since, of incidents about streaming time."""


def drift_page(state: ConsoleState) -> DriftPage:
    """The newest incidents, the newest first."""
    incidents = state.incidents.incidents()
    shown = shown_incidents(incidents)
    hrefs = {one.incident_id: href for one in incidents if (href := _co_cluster_href(state, one))}
    changes = shown_changes(incidents, state.times, state.generations)
    return DriftPage(figure=drift_picture(shown) if shown else None, incidents=shown, hrefs=hrefs, changes=changes)


def _co_cluster_href(state: ConsoleState, incident: DriftIncident) -> str:
    model = state.co_clusters
    if model is None or incident.generation != model.generation or incident.quantity != STREAMING_TIME:
        return ""
    user, _, card = incident.subjects[0].partition(".") if incident.subjects else ("", "", "")
    return cell_href(int(user), int(card)) if user.isdigit() and card.isdigit() else ""
