"""Compiles before a worker is started, with visible progress."""

import sys
from collections.abc import Callable, Collection

from rich.console import Console

from processors.machine_code.places import described_places, writing_place
from streams.compiling.compile_processes import CompileProcesses, OnEvent
from streams.compiling.machine_code import STAGE_OF_READINESS, MachineCode
from streams.compiling.showing import shown
from streams.readiness import Readiness


async def compile_ahead(
    tasks: Collection[str], console: Console, hire: Callable[[int, OnEvent], CompileProcesses] = CompileProcesses
) -> None:
    """Compile the missing machine code of these tasks; without a writable cache this is left to the worker."""
    if writing_place() is None:
        return
    machine_code = MachineCode(tasks, tasks, Readiness(STAGE_OF_READINESS), loads=False, hire=hire)
    if not machine_code.missing:
        return
    _tell(f"compiling {len(machine_code.missing)} functions, once on a machine; kept in {described_places()}")
    async with shown(machine_code.readiness, STAGE_OF_READINESS, console, lambda stage: _tell(f"compiling, {stage}")):
        await machine_code.run()
    await machine_code.stop()
    _tell(f"compiled in {machine_code.elapsed_s:.0f} s")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  progress
