"""Creates machine code for shipping, and checks that it is complete."""

import asyncio
from functools import partial
from pathlib import Path

from rich.console import Console

from processors.machine_code.keeping import Happening, unwatch, watch
from processors.machine_code.machine import GENERIC
from processors.machine_code.places import keep_only_in
from processors.machine_code.shipped_for import sign
from streams.compiling.before_start import compile_ahead
from streams.compiling.compile_processes import CompileProcesses
from streams.compiling.compile_stages import ALL

TASKS = frozenset().union(*(stage.tasks for stage in ALL))


def ship_generic(folder: Path) -> int:
    """Compile everything into a folder, for any processor of this architecture; returns the number of files."""
    folder.mkdir(parents=True, exist_ok=True)
    keep_only_in(folder)
    environment = dict(zip(("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"), GENERIC, strict=True))
    hire = partial(CompileProcesses, arguments=[str(folder.absolute())], environment=environment)
    asyncio.run(compile_ahead(TASKS, Console(stderr=True), hire))
    sign(folder)
    return sum(1 for _ in folder.glob("*.code"))


def compiled_here() -> list[str]:
    """Load all compiled functions, and return those that were missing."""
    found: list[str] = []

    def note(what: Happening, entry: str) -> None:
        if what == "compiling":
            found.append(entry)

    watch(note)
    for stage in ALL:
        stage.run()
    unwatch(note)
    return found
