"""Peer: Quix Streams, exactly once: a keyed sum for each topic in its state, with an output for each event.

Runs with the Python of a virtual environment that has quixstreams, and imports nothing of ours.
"""

import argparse
import json
import tempfile
import time
from typing import Any


def run(bootstrap: str, topics: list[str], events: int) -> dict[str, float]:
    """Process this many events; returns seconds and CPU time from the first to the end of the last transaction."""
    from quixstreams import Application

    started: list[tuple[float, float]] = []

    def add(value: dict[str, Any], state: Any) -> dict[str, int]:
        if not started:
            started.append((time.perf_counter(), time.process_time()))
        total = state.get("sum", 0) + (value.get("played_ms") or len(value.get("shelves", ())))
        state.set("sum", total)
        return {"sum": total}

    with tempfile.TemporaryDirectory(prefix="peer-quix-") as folder:
        app = Application(
            broker_address=bootstrap,
            consumer_group=f"peer-quix-{len(topics)}",
            auto_offset_reset="earliest",
            processing_guarantee="exactly-once",
            state_dir=folder,
            loglevel="WARNING",
        )
        out = app.topic("peer-quix-out", value_serializer="json", key_serializer="str")
        for name in topics:
            read = app.topic(name, value_deserializer="json", key_deserializer="str")
            app.dataframe(read).apply(add, stateful=True).to_topic(out)
        app.run(count=events, timeout=60.0)
        (wall_s, cpu_s), *_ = started
        return {"seconds": time.perf_counter() - wall_s, "cpu_seconds": time.process_time() - cpu_s}


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--topics", required=True)
    options = parser.parse_args()
    told = run(options.broker, options.topics.split(","), options.events)
    print(json.dumps({"events": options.events, **told}))  # noqa: T201  read by the benchmark


if __name__ == "__main__":
    main()
