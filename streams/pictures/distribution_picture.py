"""How long streams last: distributions of streaming time beside each other, with thresholds or medians drawn in."""

from collections.abc import Mapping, Sequence
from math import log1p

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from schemas.learning import CoClusters
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, seconds_axis, spec_of
from streams.pictures.known_groups import KnownGroups, user_group_name
from streams.pictures.time_histograms import Span, bins_of, highest, median_s, open_step, shares, span_of, steps

AXIS_PX = 110
"""Width that the axes of charts below each other have in common."""
DASHES: tuple[list[int], ...] = ([], [6, 3], [2, 3], [10, 3, 2, 3])
STEPS = "Share of the streams, in steps of 28% of streamed time (logarithmic axis)"
X_TITLE = "streamed time"
ROOM_UNTIL = 0.8
"""Place on the axis up to which there is room for a text on the right."""


def cell_distribution(known: KnownGroups, user_group: int, card_group: int) -> Figure:
    """A co-cluster beside its margins and everybody, with the threshold of every reward."""
    histogram = times_of(known.model).histogram
    everybody = histogram.sum(axis=(1, 2))
    label = known.label_of(card_group)
    lines = {
        f"{user_group_name(user_group)} on {label}": histogram[:, user_group, card_group],
        f"{user_group_name(user_group)}, all cards": histogram[:, user_group, :].sum(axis=1),
        f"{label}, all listeners": histogram[:, :, card_group].sum(axis=1),
        "everybody": everybody,
    }
    span = span_of(everybody)
    return figure_of_lines(
        lines,
        span,
        title=f"How long streams of {user_group_name(user_group)} on {label} last",
        note=f"{STEPS}; vertical lines are thresholds of the rewards",
        marks=threshold_rules(known.model, user_group, card_group, span),
    )


def beside_all(known: KnownGroups, *, user_group: int | None = None, card_group: int | None = None) -> Figure:
    """Streams of a user group, on a card group, or both, beside all streams, with their medians."""
    histogram = times_of(known.model).histogram
    chosen = histogram
    names = []
    if user_group is not None:
        chosen, names = chosen[:, user_group : user_group + 1, :], [user_group_name(user_group)]
    if card_group is not None:
        chosen, names = chosen[:, :, card_group : card_group + 1], [*names, known.label_of(card_group)]
    everybody = histogram.sum(axis=(1, 2))
    name = " on ".join(names)
    lines = {name: chosen.sum(axis=(1, 2)), "all streams": everybody} if names else {"all streams": everybody}
    span = span_of(everybody)
    return figure_of_lines(
        lines,
        span,
        title=f"Streaming time of {name}, beside all" if names else "Streaming time of all streams",
        note=f"{STEPS}; medians are dashed",
        marks=median_rules(lines, span),
    )


def figure_of_lines(
    lines: Mapping[str, FloatArray], span: Span, *, title: str, note: str, marks: Sequence[Spec]
) -> Figure:
    """Histograms [B] by name, each as shares of its own streams; `marks` are layers on the same axis."""
    parts = {name: shares(counts) for name, counts in lines.items()}
    shown = bins_of(span)
    top = highest(lines.values(), shown)
    names = [one.name for one in (*shown, shown[-1])]
    data: list[Spec] = [
        {"of": of, **row, "text": text}
        for of, counts in lines.items()
        for row, text in zip(steps(counts, shown), names, strict=True)
    ]
    medians = "; ".join(f"{name}, {words.seconds(median_s(counts))}" for name, counts in lines.items())
    return Figure(
        name="distribution",
        title=title,
        note=f"{note}{open_step(shown)}.",
        summary=f"Distribution of streaming time; medians: {medians}.",
        spec=spec_of(data, 320, layer=[_area(list(lines), span, top), _lines(list(lines), span, top), *marks]),
        table=Table(
            caption="Share of the streams by how long they last",
            columns=("streamed", *parts),
            rows=tuple(
                (one.name, *(words.share(float(values[one.number])) for values in parts.values())) for one in shown
            ),
        ),
    )


def _axes(span: Span, top: float) -> Spec:
    return {
        "x": {"field": "from", **seconds_axis(X_TITLE, span.end_s, from_s=span.begin_s)},
        "y": {"field": "share", "type": "quantitative", "title": "share of the streams",
              "scale": {"domain": [0, top], "nice": False},
              "axis": {"format": ".0%", "minExtent": AXIS_PX / 2, "tickCount": 6}},
    }  # fmt: skip


def _colour(names: Sequence[str]) -> Spec:
    return {
        "field": "of", "type": "nominal", "sort": None, "scale": {"domain": list(names)},
        "legend": {"title": None, "orient": "top", "columns": 2, "labelLimit": 400, "symbolType": "stroke",
                   "symbolOpacity": 1,
                   "symbolStrokeWidth": 3},
    }  # fmt: skip


def _area(names: list[str], span: Span, top: float) -> Spec:
    """The first line is filled, so that it is seen first."""
    return {
        "transform": [{"filter": {"field": "of", "equal": names[0]}}],
        "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.25, "clip": True},
        "encoding": {**_axes(span, top), "color": _colour(names)},
    }


def _lines(names: list[str], span: Span, top: float) -> Spec:
    dashes = {"field": "of", "type": "nominal", "scale": {"domain": names, "range": list(DASHES[: len(names)])}}
    return {
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "clip": True},
        "encoding": {
            **_axes(span, top),
            "color": _colour(names),
            "strokeDash": dashes,
            "tooltip": [{"field": "of", "title": "of"}, {"field": "text", "title": "streamed"},
                        {"field": "share", "format": ".1%"}],
        },
    }  # fmt: skip


def threshold_rules(model: CoClusters, user_group: int, card_group: int, span: Span) -> list[Spec]:
    """A line at the threshold of every reward in a co-cluster that lies on the axis; no layer if none does."""
    rules: list[Spec] = [
        {"reward": name, "threshold": at_s, "text": words.seconds(at_s)}
        for name, matrix in model.thresholds_s.items()
        if span.begin_s <= (at_s := matrix[user_group][card_group]) <= span.end_s
    ]
    layer: Spec = {
        "data": {"values": rules},
        "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.7},
        "encoding": {
            "x": {"field": "threshold", **seconds_axis(X_TITLE, span.end_s, from_s=span.begin_s)},
            "tooltip": [{"field": "reward"}, {"field": "text", "title": "succeeds from"}],
        },
    }
    return [layer] if rules else []


def median_rules(lines: Mapping[str, FloatArray], span: Span) -> list[Spec]:
    """A dashed line at each median, with its time beside it: on the side where there is room, each in its own row."""
    found = [(name, at_s) for name, counts in lines.items() if (at_s := median_s(counts)) is not None]
    found.sort(key=lambda one: one[1])
    marks: list[Spec] = []
    for place, (name, at_s) in enumerate(found):
        is_left = (place == 0 and len(found) > 1) or _place(at_s, span) > ROOM_UNTIL
        data = {"values": [{"of": name, "at": at_s, "text": f"median {words.seconds(at_s)}"}]}
        encoding = {
            "x": {"field": "at", **seconds_axis(X_TITLE, span.end_s, from_s=span.begin_s)},
            "color": _colour(list(lines)),
        }
        marks += [
            {"data": data, "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [5, 4]}, "encoding": encoding},
            {
                "data": data,
                "mark": {"type": "text", "align": "right" if is_left else "left", "dx": -6 if is_left else 6,
                         "fontSize": 13, "fontWeight": 600, "baseline": "top"},
                "encoding": {**encoding, "y": {"value": 4 + 18 * place}, "text": {"field": "text"}},
            },
        ]  # fmt: skip
    return marks


def _place(seconds: float, span: Span) -> float:
    """Where a time lies on the axis, from 0 to 1."""
    begin, at, end = (log1p(value) for value in (span.begin_s, seconds, span.end_s))
    return (at - begin) / max(end - begin, 1e-9)
