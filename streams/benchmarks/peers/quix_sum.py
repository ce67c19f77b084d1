"""Peer: Quix Streams, exactly once: a keyed sum in its state, with an output for each event.

Runs with the Python of a virtual environment that has quixstreams, and imports nothing of ours.
"""

import argparse
import json
import tempfile
import time
from typing import Any


def run(bootstrap: str, events: int) -> float:
    """Process this many events; returns the seconds from the first to the end of the last transaction."""
    from quixstreams import Application

    started_s: list[float] = []

    def add(value: dict[str, Any], state: Any) -> dict[str, int]:
        if not started_s:
            started_s.append(time.perf_counter())
        total = state.get("sum", 0) + value["played_ms"]
        state.set("sum", total)
        return {"sum": total}

    with tempfile.TemporaryDirectory(prefix="peer-quix-") as folder:
        app = Application(
            broker_address=bootstrap,
            consumer_group="peer-quix",
            auto_offset_reset="earliest",
            processing_guarantee="exactly-once",
            state_dir=folder,
            loglevel="WARNING",
        )
        ends = app.topic("stream-ends", value_deserializer="json", key_deserializer="str")
        out = app.topic("peer-quix-out", value_serializer="json", key_serializer="str")
        app.dataframe(ends).apply(add, stateful=True).to_topic(out)
        app.run(count=events, timeout=60.0)
        return time.perf_counter() - started_s[0]


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    options = parser.parse_args()
    seconds = run(options.broker, options.events)
    print(json.dumps({"events": options.events, "seconds": seconds}))  # noqa: T201  read by the benchmark


if __name__ == "__main__":
    main()
