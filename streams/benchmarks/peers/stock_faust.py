"""Peer: stock Faust, at least once: decodes stream-ends, and keeps a sum per listener in a table, with outputs.

python -m streams.benchmarks.peers.stock_faust --broker 127.0.0.1:9092 --events 20000 --topics stream-ends
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import faust
import msgspec

from schemas.stream_ends import StreamEnd

PARTITIONS = 4


def build(bootstrap: str, events: int) -> Any:
    """An app in the style of Faust's documentation; the process ends after this many events."""
    app = faust.App(
        "peer-faust",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        autodiscover=False,
    )
    decode = msgspec.json.Decoder(StreamEnd).decode
    ends = app.topic("stream-ends", key_type=bytes, value_type=bytes, value_serializer="raw")
    out = app.topic("peer-faust-out", key_type=bytes, value_type=bytes, value_serializer="raw")
    sums = app.Table("sums", default=int, partitions=PARTITIONS)

    async def add(stream: faust.StreamT[bytes]) -> AsyncIterator[int]:
        count, started_s, cpu_s = 0, 0.0, 0.0
        async for value in stream:
            started_s, cpu_s = started_s or time.perf_counter(), cpu_s or time.process_time()
            stream_end = decode(value)
            sums[stream_end.user_id] += stream_end.played_ms
            await out.send(key=stream_end.user_id.encode(), value=b"%d" % sums[stream_end.user_id])
            count += 1
            if count == events:
                _tell_and_leave(count, time.perf_counter() - started_s, time.process_time() - cpu_s)
            yield count

    app.agent(ends)(add)
    return app


def _tell_and_leave(events: int, seconds: float, cpu_seconds: float) -> None:
    print(json.dumps({"events": events, "seconds": seconds, "cpu_seconds": cpu_seconds}), flush=True)  # noqa: T201  read by the benchmark
    os._exit(0)


async def run(bootstrap: str, events: int) -> None:
    """Run until the process ends."""
    await build(bootstrap, events).start()
    await asyncio.Event().wait()


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--topics", choices=["stream-ends"], required=True)
    options = parser.parse_args()
    asyncio.run(run(options.broker, options.events))


if __name__ == "__main__":
    main()
