"""Progress of long work, on standard error if that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from processors.telling import Tell, nobody


@contextmanager
def progress() -> Iterator[Tell]:
    """A progress line, removed when the work is done."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("starting", total=None)

        def tell(what: str, done: float, total: float | None = None) -> None:
            shown.update(task, description=what, completed=done, total=total)

        yield tell
