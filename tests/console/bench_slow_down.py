"""Whether a console that is looked at slows the pipeline: `python -m tests.console.bench_slow_down [EVENTS [PAIRS]]`.

Runs are interleaved: the same events are worked off at full speed without and with a console, turn by turn, each on a
new embedded broker; a browser's requests come four times as often as an open page makes them. Prints the events per
second of each run, and the ratio of each pair with the median.
"""

import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain
from queue import Queue
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

EVENTS, PAIRS = 60_000, 3
EVERY_S = 0.5
START_S = 60.0


@contextmanager
def looked_at(bootstrap: str) -> Iterator[None]:
    """A console in its own process, whose pages are asked for one after another; first it reads what is there."""
    told: Queue[str] = Queue()
    over = threading.Event()
    with ConsoleProcess(bootstrap, told.put):
        address = told.get(timeout=START_S).rstrip("/")

        def look() -> None:
            number = 0
            while not over.wait(EVERY_S):
                with suppress(HTTPError), urlopen(address + PATHS[number % len(PATHS)]) as answer:
                    answer.read()  # a co-cluster is not found until there are any
                number += 1

        looking = threading.Thread(target=look)
        looking.start()
        time.sleep(5.0)  # it starts, and reads the catalogue
        try:
            yield
        finally:
            over.set()
            looking.join()


def events_per_second(records: list[Keyed], *, with_console: bool) -> float:
    with broker_for(Backend.EMBEDDED, None) as bootstrap:
        ensure(Settings(), bootstrap)
        written = asyncio.run(fill(bootstrap, records))
        with looked_at(bootstrap) if with_console else nullcontext():
            told = worked_off(bootstrap, inputs=sum(written[topic] for topic in INPUTS))
    return float(told["events_per_second"])


def main(events: int, pairs: int) -> None:
    played = Traffic(TrafficSettings(seed=5))
    records = [*chain(map(keyed, played.catalogue), map(keyed, played.events(events)))]
    ratios = []
    for pair in range(pairs):
        order = (False, True) if pair % 2 == 0 else (True, False)  # what else the machine does falls on both
        rates = {with_console: events_per_second(records, with_console=with_console) for with_console in order}
        ratios.append(rates[True] / rates[False])
        print(f"without {rates[False]:9,.0f}/s   with {rates[True]:9,.0f}/s   ratio {ratios[-1]:.3f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f} of {pairs} pairs, {events:,} events each")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]), *(EVENTS, PAIRS)[len(sys.argv) - 1 :])
