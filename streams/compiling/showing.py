"""Shows the progress of a readiness stage: a bar on a terminal, occasional lines otherwise."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from streams.readiness import Readiness, Stage

LOOK_S = 0.25
LINE_EVERY_S = 5.0


@asynccontextmanager
async def shown(
    readiness: Readiness, name: str, console: Console, line: Callable[[Stage], None]
) -> AsyncIterator[None]:
    """Show this stage for the duration of the context, or until it is finished."""
    showing = _bar(readiness, name, console) if console.is_terminal else _lines(readiness, name, line)
    task = asyncio.create_task(showing, name="progress")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _bar(readiness: Readiness, name: str, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("compiling", left="")
        while (stage := readiness.stage(name)) and not stage.is_finished:
            left = f"about {stage.left_s:.0f} s left" if stage.left_s is not None else ""
            progress.update(bar, completed=stage.done, total=stage.total or None, left=left)
            await asyncio.sleep(LOOK_S)


async def _lines(readiness: Readiness, name: str, line: Callable[[Stage], None]) -> None:
    while (stage := readiness.stage(name)) and not stage.is_finished:
        line(stage)
        await asyncio.sleep(LINE_EVERY_S)
