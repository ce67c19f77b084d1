"""Figures as SVG and PNG, without a browser or a network: Vega-Lite as vl-convert runs it."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from streams.pictures.figures import Figure, Spec
from streams.pictures.theme import file_config

WIDTH_PX = 960
TITLE_PX, NOTE_PX = 11.5, 8.0
"""Mean width of a character of titles and of notes, by which they are broken into lines."""
AXES_PX = 60
"""Height of axes and legend: in a page part of a chart's height, in a file beside it."""
PIXELS = 2.0
"""Pixels of a PNG for each of the picture's: sharp on a slide."""


def png_of(figures: Sequence[Figure]) -> bytes:
    """The figures as one PNG, below each other."""
    png: bytes = _converter().vegalite_to_png(file_spec(figures), scale=PIXELS)
    return png


def svg_of(figures: Sequence[Figure], *, titled: bool = True) -> str:
    """The figures as one SVG."""
    svg: str = _converter().vegalite_to_svg(file_spec(figures, titled=titled))
    return svg


def file_spec(figures: Sequence[Figure], *, titled: bool = True) -> Spec:
    """One specification with titles, sizes and configuration, of what pages embed without."""
    parts = [_sized(figure, titled=titled, is_alone=len(figures) == 1) for figure in figures]
    whole = parts[0] if len(parts) == 1 else {"$schema": figures[0].spec["$schema"], "vconcat": parts, "spacing": 40}
    return {**whole, "config": file_config(), "padding": 18}


def _sized(figure: Figure, *, titled: bool, is_alone: bool) -> Spec:
    spec = {name: part for name, part in figure.spec.items() if name != "autosize" and (is_alone or name != "$schema")}
    width_px = figure.file_width_px or max(figure.width_px_min, WIDTH_PX)
    if spec.get("width") == "container":
        spec |= {"width": width_px, "height": max(spec["height"] - AXES_PX, AXES_PX)}
    if titled:
        spec["title"] = _title(figure, width_px)
    return spec


def _title(figure: Figure, width_px: int) -> Spec:
    title: Spec = {"text": wrap(figure.title, round(width_px / TITLE_PX))}
    if figure.note:
        title["subtitle"] = wrap(figure.note, round(width_px / NOTE_PX))
    return title


def _converter() -> Any:
    import vl_convert

    return vl_convert
