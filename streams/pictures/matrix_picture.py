"""The co-cluster matrix with a distribution of streaming time in each cell."""

import math

from processors.rewards.published_times import times_of
from streams.pictures import words
from streams.pictures.figures import Figure, Link, Spec, Table, grid_of, seconds_axis
from streams.pictures.heat_map_picture import cell_href
from streams.pictures.known_groups import KnownGroups, user_group_name
from streams.pictures.time_histograms import Span, bins_of, highest, open_step, span_of, steps

WIDTH_PX, CELL_PX_MIN, CELL_PX_MAX, ROW_PX, BESIDE_PX = 1_050, 84, 190, 74, 110
BELOW_TEXT_PX = 17
TICKS = (1, 10, 60, 600, 3_600, 21_600, 86_400)
HERE, ALL, SUCCEEDS = "streams of this co-cluster", "all streams", "a success from"


def matrix_picture(known: KnownGroups, *, reward: str) -> Figure:
    """A small distribution for each co-cluster, all streams behind it, with the threshold of a reward."""
    users, kinds = known.shape
    histogram = times_of(known.model).histogram
    span = span_of(histogram.sum(axis=(1, 2)))
    top = highest(histogram.reshape(len(histogram), -1).T, bins_of(span))
    cell_px = min(max(round((WIDTH_PX - BESIDE_PX) / kinds) - 6, CELL_PX_MIN), CELL_PX_MAX)
    typical = [
        [words.seconds(math.expm1(known.model.mean[g][k])) for k in range(kinds)] for g in range(users)
    ]  # fmt: skip
    thresholds = known.model.thresholds_s.get(reward)
    line = f", the line the threshold of the reward {reward}" if thresholds else ""
    return Figure(
        name="matrix",
        title="Streaming time in each co-cluster",
        note="Rows are user groups, columns card groups; share of the streams by streamed time (logarithmic), all "
        f"streams behind; the time is the typical one{line}{open_step(bins_of(span))}.",
        summary=f"{users} x {kinds} distributions of streaming time; typical times are in the table.",
        spec=grid_of(
            _values(known, span, reward),
            facet={
                "row": {"field": "g", "type": "nominal", "sort": None, "title": None,
                        "header": {"labelAngle": 0, "labelAlign": "left", "labelFontSize": 12, "labelLimit": 110}},
                "column": {"field": "k", "type": "nominal", "sort": None, "title": None,
                           "header": {"labelFontSize": 12, "labelLimit": cell_px + 4}},
            },
            spacing=6,
            spec={"width": cell_px, "height": ROW_PX, "layer": _layers(span, top, has_rule=thresholds is not None),
                  "view": {"stroke": "#8884"}},
        ),
        height_px=(ROW_PX + 6) * users + 110,
        width_px_min=(cell_px + 6) * kinds + BESIDE_PX,
        table=Table(
            caption="Typical streaming time: each cell opens its co-cluster",
            columns=("", *(known.column_name(k) for k in range(kinds))),
            rows=tuple(
                (user_group_name(g), *(Link(typical[g][k], cell_href(g, k)) for k in range(kinds)))
                for g in range(users)
            ),
        ),
    )  # fmt: skip


def _values(known: KnownGroups, span: Span, reward: str) -> list[Spec]:
    """Rows of all layers: a facet's charts share their data."""
    users, kinds = known.shape
    histogram = times_of(known.model).histogram
    shown = bins_of(span)
    everybody = steps(histogram.sum(axis=(1, 2)), shown)
    thresholds = known.model.thresholds_s.get(reward)
    values: list[Spec] = []
    for g in range(users):
        for k in range(kinds):
            cell: Spec = {"g": user_group_name(g), "k": known.column_name(k), "href": cell_href(g, k)}
            for name, rows in ((ALL, everybody), (HERE, steps(histogram[:, g, k], shown))):
                values += [{**cell, "of": name, "from": row["from"], "share": round(row["share"], 5)} for row in rows]
            typical_s = math.expm1(known.model.mean[g][k])
            values.append({**cell, "of": "typical", "from": typical_s, "text": words.seconds(typical_s)})
            if thresholds is not None and span.begin_s <= thresholds[g][k] <= span.end_s:
                values.append({**cell, "of": SUCCEEDS, "from": thresholds[g][k]})
    return values  # fmt: skip


def _layers(span: Span, top: float, *, has_rule: bool) -> list[Spec]:
    x = {"field": "from", **seconds_axis(None, span.end_s, TICKS, from_s=span.begin_s)}
    x["axis"] = {**x["axis"], "labelFontSize": 9, "grid": False, "labelFlush": True}
    y = {
        "field": "share",
        "type": "quantitative",
        "title": None,
        "axis": None,
        "scale": {"domain": [0, top], "nice": False},
    }
    colour = {
        "field": "of", "type": "nominal", "sort": None,
        "scale": {"domain": [HERE, ALL], "range": ["#0072b2", "#999999"]},
        "legend": {"title": None, "orient": "top", "direction": "horizontal", "symbolOpacity": 1, "labelLimit": 300},
    }  # fmt: skip
    rule: Spec = {
        "transform": [{"filter": {"field": "of", "equal": SUCCEEDS}}],
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": "#d55e00"},
        "encoding": {"x": x, "y": {"value": BELOW_TEXT_PX}, "y2": {"value": ROW_PX}},
    }
    return [
        {"transform": [{"filter": {"field": "of", "equal": name}}],
         "mark": {"type": "area", "interpolate": "step-after", "opacity": opacity, "clip": True, "cursor": "pointer"},
         "encoding": {"x": x, "y": y, "color": colour,
                      "tooltip": [{"field": "g", "title": "user group"}, {"field": "k", "title": "card group"}]}}
        for name, opacity in ((ALL, 0.35), (HERE, 0.75))
    ] + ([rule] if has_rule else []) + [
        {"transform": [{"filter": {"field": "of", "equal": "typical"}}],
         "mark": {"type": "text", "align": "left", "baseline": "top", "fontSize": 11, "fontWeight": 600},
         "encoding": {"x": {"value": 4}, "y": {"value": 3}, "text": {"field": "text"}}},
    ]  # fmt: skip
