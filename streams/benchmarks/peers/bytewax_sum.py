"""Peer: Bytewax, a bare keyed sum with an output for each event: no recovery, at least once.

Runs with the Python of a virtual environment that has bytewax, and imports nothing of ours.
"""

import argparse
import json
import time
from typing import Any


def run(bootstrap: str, topics: list[str]) -> dict[str, float]:
    """Process the topics to their ends; returns the number of events, and seconds and CPU time since the first."""
    import bytewax.operators as op
    import orjson
    from bytewax.connectors.kafka import KafkaSinkMessage
    from bytewax.connectors.kafka import operators as kop
    from bytewax.dataflow import Dataflow
    from bytewax.testing import run_main

    started: list[tuple[float, float]] = []
    count = 0

    def keyed(message: Any) -> tuple[str, int]:
        nonlocal count
        if not started:
            started.append((time.perf_counter(), time.process_time()))
        count += 1
        value = orjson.loads(message.value)
        return message.key.decode(), value.get("played_ms") or len(value.get("shelves", ()))

    def add(total: int | None, more: int) -> tuple[int, int]:
        total = (total or 0) + more
        return total, total

    flow = Dataflow("peer_bytewax")
    read = kop.input("read", flow, brokers=bootstrap.split(","), topics=topics, tail=False)
    sums = op.stateful_map("add", op.map("key", read.oks, keyed), add)
    out = op.map("out", sums, lambda pair: KafkaSinkMessage(pair[0].encode(), b"%d" % pair[1]))
    kop.output("write", out, brokers=bootstrap.split(","), topic="peer-bytewax-out")
    run_main(flow)
    (wall_s, cpu_s), *_ = started
    return {"events": count, "seconds": time.perf_counter() - wall_s, "cpu_seconds": time.process_time() - cpu_s}


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--topics", required=True)
    options = parser.parse_args()
    told = run(options.broker, options.topics.split(","))
    print(json.dumps(told))  # noqa: T201  read by the benchmark


if __name__ == "__main__":
    main()
