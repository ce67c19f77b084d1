"""How long streams of a co-cluster lasted before a drift incident, and since: what the change made of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from processors.drift.subjects import STREAMING_TIME
from schemas.learning import CoClusters
from schemas.monitoring import DriftIncident
from streams.pictures import words
from streams.pictures.distribution_picture import STEPS, figure_of_lines, median_rules, threshold_rules
from streams.pictures.figures import Figure
from streams.pictures.time_histograms import span_of
from streams.pictures.time_windows import TimeWindows, Window

CHANGES_MAX = 8
"""Of a page: the newest incidents."""
STREAMS_MIN = 20.0
"""With fewer streams on a side, there is no picture."""


class ShownChange(Struct, frozen=True, kw_only=True):
    """The picture of one incident, or why there is none."""

    figure: Figure | None = None
    why_not: str = ""


def shown_changes(
    incidents: Iterable[DriftIncident], windows: TimeWindows, models: Mapping[int, CoClusters]
) -> dict[str, ShownChange]:
    """Pictures of the newest incidents about streaming time, by incident; `models` are the newest of a generation."""
    timed = [one for one in incidents if one.quantity == STREAMING_TIME and _cell(one) is not None]
    newest = sorted(timed, key=lambda one: (-one.opened_ms, one.incident_id))
    return {
        one.incident_id: _shown(one, timed, windows, models.get(one.generation), number)
        if number < CHANGES_MAX
        else ShownChange(why_not=f"Distributions are shown of the {CHANGES_MAX} newest incidents about streaming time.")
        for number, one in enumerate(newest)
    }


def _cell(incident: DriftIncident) -> tuple[int, int] | None:
    user, _, card = incident.subjects[0].partition(".") if incident.subjects else ("", "", "")
    return (int(user), int(card)) if user.isdigit() and card.isdigit() else None


def _shown(
    incident: DriftIncident,
    others: Sequence[DriftIncident],
    windows: TimeWindows,
    model: CoClusters | None,
    number: int,
) -> ShownChange:
    cell = _cell(incident)
    assert cell is not None
    earlier = [
        one.change_ms
        for one in others
        if one.generation == incident.generation and _cell(one) == cell and one.change_ms < incident.change_ms
    ]
    found = windows.around(
        incident.generation,
        cell,
        change_ms=incident.change_ms,
        from_ms=max(earlier, default=0),
        until_ms=incident.bucket_ms if incident.state == "closed" else None,
    )
    if found is None or model is None:
        return ShownChange(
            why_not="No streams of before the change were seen: `co-clusters` is compacted, so that only who follows "
            "it knows what came when. A console that runs while the next change happens shows it."
        )
    before, since = found
    if min(before.streams, since.streams) < STREAMS_MIN:
        return ShownChange(
            why_not=f"Too few streams were seen for a distribution: {_seen(before)} before, {_seen(since)} since; "
            f"{STREAMS_MIN:.0f} on each side are needed. More come with the next co-clusters."
        )
    return ShownChange(figure=_figure(incident, model, cell, found, number))


def _figure(
    incident: DriftIncident, model: CoClusters, cell: tuple[int, int], found: tuple[Window, Window], number: int
) -> Figure:
    before, since = found
    lines = {"since the change": since.counts, "before": before.counts}
    span = span_of(before.counts + since.counts)
    named = incident.label or incident.subjects[0]
    drawn = figure_of_lines(
        lines,
        span,
        title=f"Streaming time of {named} ({incident.subjects[0]}), before the change and since",
        note=f"{STEPS}; medians are dashed, thin lines are thresholds of the rewards",
        marks=[*threshold_rules(model, *cell, span), *median_rules(lines, span)],
    )
    seen = f"{_side('Before', before)}; {_side('since', since)}"
    return replace(drawn, name=f"change-{number}", summary=f"{drawn.summary} {seen}.", note=f"{drawn.note} {seen}.")


def _side(name: str, window: Window) -> str:
    missed = (
        f", without those of {window.recounts} of {window.messages} messages, which counted anew"
        if window.recounts
        else ""
    )
    return f"{name}: {_seen(window)} streams, {_time(window.from_ms)} to {_time(window.until_ms)}{missed}"


def _seen(window: Window) -> str:
    return words.count(round(window.streams))


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%d %b %H:%M")
