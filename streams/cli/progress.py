"""Progress of long work, on standard error if that is a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from processors.telling import Tell, nobody

LINE_S = 5.0


@contextmanager
def progress_lines() -> Iterator[Tell]:
    """Progress of work that is waited for: a line on a terminal, else one every five seconds."""
    if sys.stderr is None or sys.stderr.isatty():
        with progress() as shown:
            yield shown
        return
    told_s = 0.0

    def tell(what: str, done: float, total: float | None = None) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= LINE_S:
            told_s = time.monotonic()
            of = "" if total is None else f" of {total:,.0f}"
            print(f"{what}: {done:,.0f}{of}", file=sys.stderr, flush=True)  # noqa: T201  beside the logs

    yield tell


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
