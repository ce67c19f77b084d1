"""Machine code at the start of a worker."""

from collections.abc import Collection

import structlog
from rich.console import Console

from processors.machine_code.places import described_places
from processors.machine_code.shipped_for import why_not_shipped
from streams.compiling.machine_code import STAGE_OF_READINESS, MachineCode
from streams.compiling.showing import shown
from streams.readiness import Readiness, Stage

FIRST = "listeners"
"""The task that users wait for."""


async def compiling_ahead(
    tasks: Collection[str], readiness: Readiness | None = None, *, waits_for_all: bool = False
) -> MachineCode:
    """Start to compile what is missing, and wait until the task that users wait for can work without state.

    With `waits_for_all` it waits for all tasks, so that benchmarks do not measure compilation. Without the listeners
    task, each task waits for its own stages only.
    """
    log = structlog.get_logger("shelfwise.worker")
    first = set(tasks) if waits_for_all else {FIRST} & set(tasks) or set(tasks)
    machine_code = MachineCode(tasks, first, readiness or Readiness(STAGE_OF_READINESS))
    missing = len(machine_code.missing)
    if missing:
        why = why_not_shipped() or "once on a machine"
        log.info("compiling", functions=missing, why=why, kept_in=described_places())
    else:
        log.info("machine_code", kept_in=described_places(), compiling="nothing")
    machine_code.start()
    async with shown(machine_code.readiness, STAGE_OF_READINESS, Console(stderr=True), _log_line):
        await (machine_code.complete() if waits_for_all else machine_code.ready_for(*first))
    if missing:
        log.info("compiled", for_tasks=sorted(first), seconds=round(machine_code.elapsed_s, 1))
    return machine_code


def _log_line(stage: Stage) -> None:
    left_s = None if stage.left_s is None else round(stage.left_s)
    if stage.total:
        structlog.get_logger("shelfwise.worker").info("compiling", done=stage.done, of=stage.total, left_s=left_s)
