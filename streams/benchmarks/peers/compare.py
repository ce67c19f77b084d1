"""`bench peers`: throughput of one process each on the same log of Apache Kafka, and the ratios."""

import asyncio
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.filling import fill, keyed
from streams.benchmarks.peers.environments import QUIX, python_with
from streams.benchmarks.pipeline import INPUTS, worked_off
from streams.settings import Settings
from streams.topics.admin import admin_client, ensure

FAUST_EVENTS_MAX = 20_000
DEADLINE_S = 600.0
OURS = "shelfwise, whole pipeline, exactly once"
BARE = "bare aiokafka, decode"
FAUST = "stock Faust, table and output, at least once"
QUIX_SUM = "Quix, keyed sum and output, exactly once"


def bench_peers(settings: Settings, backend: Backend, *, events: int, seed: int) -> dict[str, Any]:
    """Fill a log once; peers read its stream-ends, the pipeline everything, including the costlier impressions."""
    with broker_for(backend, settings.broker) as bootstrap:
        ensure(settings, bootstrap)
        _create_outputs(settings, bootstrap)
        traffic = Traffic(TrafficSettings(seed=seed))
        records = chain(map(keyed, traffic.catalogue), map(keyed, traffic.events(events)))
        written = asyncio.run(fill(bootstrap, records))
        ends = written["stream-ends"]
        found = {BARE: _ours("bare_client", bootstrap, ends)}
        found[FAUST] = _ours("stock_faust", bootstrap, min(ends, FAUST_EVENTS_MAX))
        found[QUIX_SUM] = _quix(bootstrap, ends)
        told = worked_off(bootstrap, inputs=sum(written[topic] for topic in INPUTS))
    found[OURS] = told["events_per_second"]
    return {
        "benchmark": "peers",
        "broker": "named" if settings.broker else backend.value,
        "filled": dict(written),
        "events_per_second": found,
        "shelfwise_over": {name: _ratio(found[OURS], rate) for name, rate in found.items() if name != OURS},
        "pipeline": told,
    }


def _create_outputs(settings: Settings, bootstrap: str) -> None:
    """Create the peers' output topics, in case the broker does not create topics automatically."""
    with admin_client(settings, bootstrap) as client:
        outputs = {"num_partitions": settings.page_partitions, "replication_factor": 1}
        client.create_topics(dict.fromkeys(("peer-faust-out", "peer-quix-out"), outputs), wait_for_metadata=True)


def _ratio(ours: Any, other: Any) -> float | None:
    return round(ours / other, 3) if isinstance(other, float) else None


def _quix(bootstrap: str, events: int) -> float | str:
    """Events per second, or the reason why there is no figure."""
    try:
        python = python_with(QUIX)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"{QUIX[0]} cannot be installed here: {said.strip().splitlines()[-1]}"
    script = str(Path(__file__).with_name("quix_sum.py"))
    return _rate([str(python), script], bootstrap, events)


def _ours(module: str, bootstrap: str, events: int) -> float | str:
    return _rate([sys.executable, "-m", f"streams.benchmarks.peers.{module}"], bootstrap, events)


def _rate(command: list[str], bootstrap: str, events: int) -> float | str:
    arguments = [*command, "--broker", bootstrap, "--events", str(events)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    try:
        run = subprocess.run(  # noqa: S603  our own commands
            arguments, env=environment, capture_output=True, text=True, check=True, timeout=DEADLINE_S
        )
        told = orjson.loads(run.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return f"failed: {said[-1] if said else error!r}"
    return round(float(told["events"]) / float(told["seconds"]), 1)
