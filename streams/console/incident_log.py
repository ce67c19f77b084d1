"""Drift incidents as they were told: the newest message of each, and when it was first heard of."""

from schemas.monitoring import DriftIncident

INCIDENTS_MAX = 500


class IncidentLog:
    """The newest message of each incident, the last opened one last; the oldest leave first.

    >>> from msgspec.structs import replace
    >>> opened = DriftIncident(incident_id="i1", number=1, state="open", quantity="stream-rate", subjects=("all",),
    ...     label="all", generation=1, severity="minor", impact=0.0, traffic=1.0, opened_ms=0, change_ms=0, bucket_ms=0,
    ...     before=0.2, after=0.1, size=-0.1, size_low=-0.2, size_high=0.0)
    >>> log = IncidentLog(); log.take(replace(opened, number=2, state="closed", closed_as="returned")); log.take(opened)
    >>> [(incident.number, incident.state) for incident in log.incidents()], log.open()
    ([(2, 'closed')], [])
    """

    def __init__(self) -> None:
        self._newest: dict[str, DriftIncident] = {}

    def take(self, incident: DriftIncident) -> None:
        """Process one message; an earlier one than known changes nothing."""
        known = self._newest.get(incident.incident_id)
        if known is None or incident.number > known.number:
            self._newest[incident.incident_id] = incident
        if len(self._newest) > INCIDENTS_MAX:
            del self._newest[next(iter(self._newest))]

    def incidents(self) -> list[DriftIncident]:
        """All that are known."""
        return list(self._newest.values())

    def open(self) -> list[DriftIncident]:
        """Those that are in progress."""
        return [incident for incident in self._newest.values() if incident.state != "closed"]
