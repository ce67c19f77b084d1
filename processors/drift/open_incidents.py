"""The incidents that are in progress, for tasks that act on drift."""

from schemas.monitoring import DriftIncident

SEVERE = "severe"


class OpenIncidents:
    """The newest message of each incident that has not been closed.

    >>> from tests.builders import incident
    >>> seen = OpenIncidents()
    >>> seen.put("a", incident("a", severity="notable"))
    >>> seen.severe_since_ms
    0
    >>> seen.put("a", incident("a", number=2, state="grown", severity="severe", opened_ms=7))
    >>> seen.severe_since_ms
    7
    >>> seen.put("a", incident("a", number=3, state="closed", severity="severe"))
    >>> seen.severe_since_ms
    0
    """

    def __init__(self) -> None:
        self._open: dict[str, DriftIncident] = {}

    def put(self, incident_id: str, incident: DriftIncident | None) -> None:
        """Process a message of `drift-incidents`; None removes the incident."""
        if incident is None or incident.state == "closed":
            self._open.pop(incident_id, None)
        else:
            self._open[incident_id] = incident

    @property
    def severe_since_ms(self) -> int:
        """Event time at which the newest severe incident in progress was opened; 0 if there is none."""
        return max((one.opened_ms for one in self._open.values() if one.severity == SEVERE), default=0)
