"""A chart as plain data: its Vega-Lite specification, what it shows in a sentence, and the same as a table."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

Spec = dict[str, Any]


class Link(Struct, frozen=True):
    """A cell of a table that leads somewhere."""

    text: str
    href: str


Cell = str | Link


class Table(Struct, frozen=True, kw_only=True):
    """Rows under a heading each; the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: bool = True
    """Whether all columns but the first are numbers, which are aligned to the right."""


class Figure(Struct, frozen=True, kw_only=True):
    """One chart; `summary` is read out in place of the picture, `table` has its numbers."""

    name: str
    title: str
    summary: str
    spec: Spec
    table: Table
    note: str = ""
    """Stands below the title: units, and how to read it."""
    height_px: int = 320
    shows_table: bool = False
    """Whether the table stands open beside the chart."""
    width_px_min: int = 0
    """On a narrower screen the chart is scrolled."""
    file_width_px: int = 0
    """In files; 0: as wide as all others."""


SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SECONDS_TICKS = (0, 1, 3, 10, 30, 60, 180, 600, 1_800, 3_600, 10_800, 36_000, 86_400, 259_200, 864_000)
SECONDS_LABEL = (
    "datum.value < 60 ? datum.value + ' s' : datum.value < 3600 ? datum.value / 60 + ' min' : "
    "datum.value < 86400 ? datum.value / 3600 + ' h' : datum.value / 86400 + ' d'"
)


COLUMN_AXIS: Spec = {
    "orient": "top", "labelAngle": 0, "labelLimit": {"expr": "bandwidth('x') - 6"}, "domain": False, "ticks": False,
}  # fmt: skip
"""Headings of columns, cut off where the column ends."""


def seconds_axis(
    title: str | None, longest_s: float, ticks: Sequence[float] = SECONDS_TICKS, *, from_s: float = 0.0
) -> Spec:
    """A position channel of log1p(seconds), with ticks at durations that people use."""
    return {
        "type": "quantitative",
        "title": title,
        "scale": {"type": "symlog", "constant": 1, "domain": [from_s, longest_s], "nice": False},
        "axis": {
            "values": [tick for tick in ticks if from_s <= tick <= longest_s],
            "labelExpr": SECONDS_LABEL,
            "grid": True,
            "labelOverlap": True,
        },
    }


def spec_of(values: Sequence[dict[str, Any]], height_px: int, **parts: Any) -> Spec:
    """A specification with its data, as wide as its place."""
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height_px,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": list(values)},
        **parts,
    }


def grid_of(values: Sequence[dict[str, Any]], **parts: Any) -> Spec:
    """A specification of many small charts side by side; its size follows from theirs."""
    return {"$schema": SCHEMA, "data": {"values": list(values)}, **parts}
