"""Drift incidents on a time line, with what was before and after."""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from processors.drift.subjects import STREAMING_TIME
from schemas.monitoring import DriftIncident, IncidentEnd
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of

SHOWN_MAX = 100
SHADES = {"minor": "#56b4e9", "notable": "#e69f00", "severe": "#d55e00"}
_ENDS: dict[IncidentEnd, str] = {
    "": "open",
    "returned": "closed: went back to the level before",
    "new-level": "closed: the new level is the reference now",
    "regrouped": "closed: the groups were formed anew",
}


class ShownIncident(Struct, frozen=True, kw_only=True):
    """One incident in words."""

    incident_id: str
    what: str
    state: str
    is_open: bool
    severity: str
    before: str
    after: str
    size: str
    traffic: str
    impact: str
    change_ms: int
    last_ms: int
    subjects: tuple[str, ...]
    generation: int


def shown_incidents(incidents: Iterable[DriftIncident]) -> list[ShownIncident]:
    """The newest incidents in words, the newest first."""
    newest = sorted(incidents, key=lambda one: (-one.opened_ms, one.incident_id))[:SHOWN_MAX]
    return [_shown(incident) for incident in newest]


def _shown(incident: DriftIncident) -> ShownIncident:
    is_time = incident.quantity == STREAMING_TIME
    level = _typical_time if is_time else words.share
    subject = incident.subjects[0] if incident.subjects else ""
    named = f"{incident.label} ({subject})" if incident.label and incident.label != subject else subject
    return ShownIncident(
        incident_id=incident.incident_id,
        what=f"{incident.quantity} of {named}",
        state="open, and has grown" if incident.state == "grown" else _ENDS[incident.closed_as],
        is_open=incident.state != "closed",
        severity=incident.severity,
        before=level(incident.before),
        after=level(incident.after),
        size=_size(incident, is_time=is_time),
        traffic=words.share(incident.traffic),
        impact=words.share(incident.impact),
        change_ms=incident.change_ms,
        last_ms=max(incident.bucket_ms, incident.change_ms),
        subjects=incident.subjects,
        generation=incident.generation,
    )


def _typical_time(log_seconds: float) -> str:
    return words.seconds(math.expm1(log_seconds))


def _size(incident: DriftIncident, *, is_time: bool) -> str:
    low, size, high = incident.size_low, incident.size, incident.size_high
    if is_time:
        return f"{words.factor(math.exp(size))} ({words.factor(math.exp(low))} to {words.factor(math.exp(high))})"
    return f"{100 * size:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


def drift_picture(shown: Sequence[ShownIncident]) -> Figure:
    """Incidents on a time line."""
    data: list[Spec] = [
        {"incident": one.incident_id, "what": one.what,
         "said": f"{one.what}: {one.before} to {one.after}", "from": one.change_ms, "to": one.last_ms,
         "severity": one.severity, "state": one.state, "size": one.size, "href": f"#{one.incident_id}"}
        for one in shown
    ]  # fmt: skip
    height_px = 28 * len(data) + 110
    open_count = sum(one.is_open for one in shown)
    x: Spec = {
        "type": "temporal",
        "title": "event time (UTC)",
        "scale": {"type": "utc"},
        "axis": {"labelOverlap": True, "format": "%d %b %H:%M", "tickCount": 6},
    }
    return Figure(
        name="incidents",
        title="Drift incidents on a time line",
        note="From when the change began to the newest message of each; with the level before and after.",
        summary=f"{len(shown)} incidents, {open_count} open; from when the change began to the newest message of each.",
        spec=spec_of(
            data,
            height_px,
            encoding={
                "y": {"field": "incident", "type": "nominal", "sort": None, "title": None, "axis": None},
                "color": {"field": "severity", "type": "nominal", "legend": {"title": None, "orient": "top"},
                          "scale": {"domain": list(SHADES), "range": list(SHADES.values())}},
                "tooltip": [{"field": name} for name in ("what", "severity", "state", "size")],
            },
            layer=[
                {"mark": {"type": "bar", "height": 8, "cursor": "pointer"},
                 "encoding": {"x": {"field": "from", **x}, "x2": {"field": "to"}}},
                {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "cursor": "pointer"},
                 "encoding": {"x": {"field": "from", **x}}},
                {"mark": {"type": "text", "align": "left", "baseline": "bottom", "dy": -5, "fontSize": 12},
                 "encoding": {"x": {"field": "from", **x}, "text": {"field": "said"},
                              "color": {"value": "currentColor"}}},
            ],
        ),
        height_px=height_px,
        width_px_min=560,
        table=Table(
            caption="Incidents, the newest first",
            columns=("incident", "severity", "state", "before", "after", "size"),
            rows=tuple((one.what, one.severity, one.state, one.before, one.after, one.size) for one in shown),
            numeric=False,
        ),
    )  # fmt: skip
