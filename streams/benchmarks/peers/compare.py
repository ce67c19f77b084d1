"""`bench peers`: throughput of one process each on the same log of Apache Kafka, and the ratios."""

import asyncio
import platform
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import chain
from statistics import median
from typing import Any, NamedTuple

from streams.benchmarks.bench_brokers import Backend, broker_with_pids
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.filling import fill, keyed
from streams.benchmarks.peers.peer import INPUTS, PEERS, PeerFailedError, Speed, measure
from streams.benchmarks.pipeline import worked_off
from streams.benchmarks.process_figures import processor_s
from streams.settings import Settings
from streams.topics.admin import admin_client, ensure

OURS = "shelfwise, whole pipeline, exactly once"
OUTPUTS = ("peer-faust-out", "peer-quix-out", "peer-bytewax-out")
VERSIONS_OF = ("shelfwise", "aiokafka", "faust-streaming", "numpy", "numba")
Tell = Callable[[str], None]


class Run(NamedTuple):
    """One run of one program: its speed, and what the broker spent on an event."""

    speed: Speed
    broker_us_per_event: float


def bench_peers(
    settings: Settings, backend: Backend, *, events: int, seed: int, repeats: int, tell: Tell
) -> dict[str, Any]:
    """Fill a log; peers read it one after the other, then the pipeline; each repeat has a broker of its own.

    Medians over the repeats. A peer that cannot run has its reason instead of figures.
    """
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    failed: dict[str, str] = {}
    pipelines: list[dict[str, Any]] = []
    written: dict[str, int] = {}
    for number in range(1, repeats + 1):
        tell(f"repeat {number} of {repeats}: filling a log with {events:,} events")
        with broker_with_pids(backend, settings.broker) as (bootstrap, pids):
            written = _filled(settings, bootstrap, events, seed)
            for peer in PEERS:
                own = sum(written[topic] for topic in peer.topics)
                before_s = processor_s(pids)
                try:
                    speed = measure(peer, bootstrap, own)
                except PeerFailedError as error:
                    failed[peer.name] = str(error)
                    continue
                runs[peer.name].append(Run(speed, _us(processor_s(pids) - before_s, min(own, peer.events_max))))
                tell(f"{peer.name}: {speed.events_per_second:,.0f} events/s")
            before_s, inputs = processor_s(pids), sum(written[topic] for topic in INPUTS)
            told = worked_off(bootstrap, inputs=inputs)
            own_speed = Speed(told["events_per_second"], told["cpu_us_per_event"])
            runs[OURS].append(Run(own_speed, _us(processor_s(pids) - before_s, inputs)))
            tell(f"{OURS}: {own_speed.events_per_second:,.0f} events/s")
            pipelines.append(told)
    rows = {name: _row(of_one) for name, of_one in runs.items()}
    ours = rows[OURS]["events_per_second"]
    return {
        "benchmark": "peers",
        "broker": "named" if settings.broker else backend.value,
        "machine": f"{platform.processor() or platform.machine()}, {platform.platform()}",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS_OF}},
        "repeats": repeats,
        "filled": dict(written),
        "medians": rows,
        "failed": failed,
        "shelfwise_over": {
            name: round(ours / row["events_per_second"], 3) for name, row in rows.items() if name != OURS
        },
        "pipelines": pipelines,
    }


def _filled(settings: Settings, bootstrap: str, events: int, seed: int) -> dict[str, int]:
    """Create all topics, also those of the peers' outputs, and fill the inputs."""
    ensure(settings, bootstrap)
    with admin_client(settings, bootstrap) as client:
        outputs = {"num_partitions": settings.page_partitions, "replication_factor": 1}
        client.create_topics(dict.fromkeys(OUTPUTS, outputs), wait_for_metadata=True)
    traffic = Traffic(TrafficSettings(seed=seed))
    records = chain(map(keyed, traffic.catalogue), map(keyed, traffic.events(events)))
    return dict(asyncio.run(fill(bootstrap, records)))


def _us(seconds: float, events: int) -> float:
    return round(1e6 * seconds / max(events, 1), 2)


def _row(runs: Sequence[Run]) -> dict[str, float]:
    """Medians.

    >>> _row([Run(Speed(10.0, 3.0), 1.0), Run(Speed(30.0, 1.0), 2.0), Run(Speed(20.0, 2.0), 9.0)])
    {'events_per_second': 20.0, 'cpu_us_per_event': 2.0, 'broker_us_per_event': 2.0, 'lowest': 10.0, 'highest': 30.0}
    """
    rates = [one.speed.events_per_second for one in runs]
    return {
        "events_per_second": median(rates),
        "cpu_us_per_event": median(one.speed.cpu_us_per_event for one in runs),
        "broker_us_per_event": median(one.broker_us_per_event for one in runs),
        "lowest": min(rates),
        "highest": max(rates),
    }
