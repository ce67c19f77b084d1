"""A worker that catches up with a filled log, and reports its duration and the time of each stage.

python -m streams.benchmarks.profiled_worker --broker 127.0.0.1:9092 --inputs 100000 --out told.json
"""

import argparse
import asyncio
import json
import resource
from pathlib import Path
from typing import Any

from streams.benchmarks.sampler import Sampler
from streams.benchmarks.worker_progress import Progress, stop_this_process
from streams.logs import configure_logs
from streams.running_worker import work
from streams.settings import load

LOOK_EVERY_S = 0.1


async def work_off(bootstrap: str, inputs: int, seconds_max: float) -> dict[str, Any]:
    """Run a worker with the environment's settings until `inputs` are processed or time is up."""
    settings = load(None, {"broker": bootstrap})
    configure_logs("warning", settings.log_format)
    sampler = Sampler()
    progress = Progress(inputs, seconds_max, sampler.start)
    working = asyncio.create_task(work(settings, bootstrap, progress))
    while not (working.done() or progress.look()):
        await asyncio.wait([working], timeout=LOOK_EVERY_S)
    sampler.stop()
    told = _told(progress, sampler)
    if not working.done():
        stop_this_process()
    await working
    return told


def _told(progress: Progress, sampler: Sampler) -> dict[str, Any]:
    events = progress.records["listeners"]
    cpu_us = 1e6 * progress.cpu_seconds / max(1, events)
    return {
        "events": events,
        "seconds": round(progress.seconds, 3),
        "events_per_second": round(events / max(progress.seconds, 1e-9), 1),
        "us_per_event": round(1e6 * progress.seconds / max(1, events), 2),
        "cpu_us_per_event": round(cpu_us, 2),
        "cpu_us_by_stage": {stage: round(cpu_us * share, 2) for stage, share in sampler.shares().items()},
        "records_by_task": dict(progress.records),
        "task_seconds": {task: round(seconds, 3) for task, seconds in progress.task_s.items()},
        "outputs": progress.outputs,
        "state_rows": progress.rows,
        "commits": progress.commits,
        "commit_ms_mean": round(1_000 * progress.commit_s / max(1, progress.commits), 2),
        "aborts": progress.aborts,
        "memory_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    told = asyncio.run(work_off(options.broker, options.inputs, options.seconds))
    options.out.write_text(json.dumps(told))


if __name__ == "__main__":
    main()
