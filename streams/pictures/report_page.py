"""Pages of figures that need nothing else: pictures as SVG, numbers as tables, no script, no other host."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streams.pictures.figures import Cell, Figure
from streams.pictures.printable import printable
from streams.pictures.rendering import svg_of

TEMPLATES = Path(__file__).parent / "page_templates"
Part = tuple[str, Sequence[Figure]]
"""A heading and what stands below it."""


def report_page(title: str, parts: Sequence[Part], facts: Sequence[tuple[str, str]] = ()) -> str:
    """The page as HTML; `facts` are names and values that stand at its beginning."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=printable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"picture": _picture, "cell": _text}
    return made.get_template("report.html").render(title=title, parts=parts, facts=facts)


def _picture(figure: Figure) -> str:
    """An SVG as an address: names of its parts cannot clash with those of another picture of the page."""
    return "data:image/svg+xml;base64," + b64encode(svg_of([figure], titled=False).encode()).decode()


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text
