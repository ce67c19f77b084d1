"""Peer: a bare aiokafka consumer that decodes stream-ends, and does nothing with them.

python -m streams.benchmarks.peers.bare_client --broker 127.0.0.1:9092 --events 100000
"""

import argparse
import asyncio
import json
import time

import msgspec
from aiokafka import AIOKafkaConsumer

from schemas.stream_ends import StreamEnd


async def consume(bootstrap: str, events: int) -> float:
    """Read and decode this many events; returns the seconds from the first batch to the last."""
    decode = msgspec.json.Decoder(StreamEnd).decode
    consumer = AIOKafkaConsumer("stream-ends", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        count, started_s = 0, 0.0
        while count < events:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                started_s = started_s or time.perf_counter()
                for record in records:
                    decode(record.value)
                count += len(records)
        return time.perf_counter() - started_s
    finally:
        await consumer.stop()


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    options = parser.parse_args()
    seconds = asyncio.run(consume(options.broker, options.events))
    print(json.dumps({"events": options.events, "seconds": seconds}))  # noqa: T201  read by the benchmark


if __name__ == "__main__":
    main()
