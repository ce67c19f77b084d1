"""The option that draws a result into a file, and what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import NoAnswerError, refuse_unless_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.pictures.figures import Figure

PlotOption = Annotated[
    Path | None,
    typer.Option(help="Also draw it into this file: .svg, .png or .html (needs the extra `plots`)."),
]


def refuse_unless_plottable(plot: Path | None) -> None:
    """Raise `ConfigurationError` unless the file can be drawn and written; checked before the work, not after it."""
    from streams.pictures.drawing import refuse_unless_drawable

    refuse_unless_writable(plot)
    refuse_unless_drawable(plot)


def plot_if_asked(plot: Path | None, figures: "Callable[[], Sequence[Figure]]") -> None:
    """Draw into the file, if one was named, and say so on standard error."""
    if plot is None:
        return
    from streams.pictures.drawing import draw

    made = figures()
    if not made:
        raise NoAnswerError("nothing was drawn: no value may be shown yet")
    draw(made, plot)
    typer.echo(f"drawn: {plot}", err=True)
