"""Whether a console that is looked at slows the pipeline: `python -m tests.console.bench_slow_down [EVENTS [PAIRS]]`.

Runs are interleaved: the same events are worked off at full speed without and with a console, turn by turn, each on a
new embedded broker; a client asks for every view in turn, four times as often as an open page does. The console reads
all that it can read, what listeners did included. Prints the events per second of each run and the ratio of each pair,
then the median ratio with the least and the most, and of the console the p95 of each view and its most memory.
"""

import asyncio
import os
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from queue import Queue
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.bench_traffic import Traffic, TrafficSettings
from streams.benchmarks.filling import Keyed, fill, keyed
from streams.benchmarks.pipeline import INPUTS, worked_off
from streams.console.console_process import ConsoleProcess
from streams.settings import Settings
from streams.topics.admin import ensure
from tests.console.bench_console import PATHS

EVENTS, PAIRS = 60_000, 5
EVERY_S = 0.5
START_S = 300.0


class Looks(NamedTuple):
    """What a client saw of the consoles of all runs."""

    taken_ms: dict[str, list[float]]
    memory_mb: list[float]

    def told(self) -> Iterator[str]:
        """The p95 of each view, and the most memory."""
        for path, taken in self.taken_ms.items():
            p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1] if len(taken) > 1 else taken[0]
            yield f"{path:<28} p95 {p95:6.1f} ms   median {statistics.median(taken):6.1f} ms   of {len(taken)}"
        yield f"console's memory {max(self.memory_mb):.0f} MB at most"


@contextmanager
def looked_at(bootstrap: str, looks: Looks) -> Iterator[None]:
    """A console in its own process, whose pages are asked for one after another; first it reads what is there."""
    told: Queue[str] = Queue()
    over = threading.Event()
    with ConsoleProcess(bootstrap, told.put, "--listener-history") as console:
        address = told.get(timeout=START_S).rstrip("/")

        def look() -> None:
            number = 0
            while not over.wait(EVERY_S):
                path = PATHS[number % len(PATHS)]
                number += 1
                begun_s = time.perf_counter()
                try:
                    with urlopen(address + path) as answer:
                        answer.read()
                except HTTPError:  # a co-cluster is not found until there are any
                    continue
                looks.taken_ms[path].append((time.perf_counter() - begun_s) * 1_000)

        looking = threading.Thread(target=look)
        looking.start()
        time.sleep(5.0)  # it starts, and reads the catalogue
        try:
            yield
        finally:
            over.set()
            looking.join()
            looks.memory_mb.append(most_memory_mb(console.pid))


def most_memory_mb(pid: int) -> float:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1_024


def events_per_second(records: list[Keyed], looks: Looks | None) -> float:
    """Of one run: with a console if there are looks to take."""
    with broker_for(Backend.EMBEDDED, None) as bootstrap:
        ensure(Settings(), bootstrap)
        written = asyncio.run(fill(bootstrap, records))
        inputs = sum(written[topic] for topic in INPUTS)
        if looks is None:
            return float(worked_off(bootstrap, inputs=inputs)["events_per_second"])
        with looked_at(bootstrap, looks):
            return float(worked_off(bootstrap, inputs=inputs)["events_per_second"])


def main(events: int, pairs: int) -> None:
    played = Traffic(TrafficSettings(seed=5))
    records = [*chain(map(keyed, played.catalogue), map(keyed, played.events(events)))]
    looks, ratios = Looks(defaultdict(list), []), []
    for pair in range(pairs):
        order = (None, looks) if pair % 2 == 0 else (looks, None)  # what else the machine does falls on both
        load = os.getloadavg()[0]
        rates = {one is not None: events_per_second(records, one) for one in order}
        ratios.append(rates[True] / rates[False])
        print(f"without {rates[False]:9,.0f}/s   with {rates[True]:9,.0f}/s   ratio {ratios[-1]:.3f}   "
              f"(load before {load:.1f})", flush=True)  # fmt: skip
    print(f"median ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) of {pairs} pairs, "
          f"{events:,} events each")  # fmt: skip
    print("\n".join(looks.told()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]), *(EVENTS, PAIRS)[len(sys.argv) - 1 :])
