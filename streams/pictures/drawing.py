"""Draws figures into a file: .svg, .png, or an .html page that needs nothing else."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from streams.configuration_error import ConfigurationError
from streams.pictures.figures import Figure

SUFFIXES = (".svg", ".png", ".html")
EXTRA = "shelfwise[plots]"


def refuse_unless_drawable(file: Path | None) -> None:
    """Raise `ConfigurationError` unless the file's ending is known and the library that draws is installed.

    >>> refuse_unless_drawable(Path("groups.pdf"))
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: cannot draw groups.pdf: end its name in .svg, .png or .html
    """
    if file is None:
        return
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"cannot draw {file}: end its name in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if find_spec("vl_convert") is None:
        raise ConfigurationError(f"cannot draw {file}: pip install '{EXTRA}'")


def draw(figures: Sequence[Figure], file: Path) -> None:
    """Draw the figures, below each other if there are several; an .html file also has their tables."""
    from streams.pictures.rendering import png_of, svg_of
    from streams.pictures.report_page import report_page

    kind = file.suffix.lower()
    if kind == ".png":
        file.write_bytes(png_of(figures))
    else:
        text = svg_of(figures) if kind == ".svg" else report_page(figures[0].title, [("", figures)])
        file.write_text(text, encoding="utf-8")
