"""`bench pipeline`: throughput of one worker on a filled log, and the cost of each stage."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.filling import fill, keyed
from streams.settings import Settings
from streams.topics.admin import ensure

INPUTS = ("impressions", "stream-ends")


class BenchFailedError(RuntimeError):
    """The benchmark failed; the message ends with the worker's last log line."""


def bench_pipeline(
    settings: Settings, backend: Backend, *, events: int, seconds: float | None, traffic: TrafficSettings
) -> dict[str, Any]:
    """Fill the topics with `events` of a simulated world, then let one worker with all tasks catch up.

    Time is measured from the first event that a task processes to the commit of the last output, including outcomes,
    statistics, co-clusters and sums. At most `seconds`, if given.
    """
    with broker_for(backend, settings.broker) as bootstrap:
        ensure(settings, bootstrap)
        played = Traffic(traffic)
        records = chain(map(keyed, played.catalogue), map(keyed, played.events(events)))
        written = asyncio.run(fill(bootstrap, records))
        told = worked_off(bootstrap, inputs=sum(written[topic] for topic in INPUTS), seconds=seconds)
    return {
        "benchmark": "pipeline",
        "broker": "named" if settings.broker else backend.value,
        "seed": traffic.seed,
        "users": traffic.users,
        "cards": traffic.cards,
        "filled": dict(written),
        **told,
    }


def worked_off(
    bootstrap: str, *, inputs: int, seconds: float | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Let a worker process catch up with the topics; returns its report.

    Raises `BenchFailedError` if it failed.
    """
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as folder:
        out = Path(folder) / "told.json"
        command = [sys.executable, "-m", "streams.benchmarks.profiled_worker", "--broker", bootstrap]
        command += ["--inputs", str(inputs), "--out", str(out), *(["--seconds", str(seconds)] if seconds else [])]
        run = subprocess.run(  # noqa: S603  our own command
            command, env={**os.environ, **(environment or {})}, stderr=subprocess.PIPE, text=True, check=False
        )
        if run.returncode != 0 or not out.is_file():
            raise BenchFailedError(f"the worker ended with status {run.returncode}: {run.stderr[-2000:]}")
        told: dict[str, Any] = orjson.loads(out.read_bytes())
        return told
