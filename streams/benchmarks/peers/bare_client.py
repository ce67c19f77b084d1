"""Peer: a bare aiokafka consumer that decodes messages, and does nothing with them.

python -m streams.benchmarks.peers.bare_client --broker 127.0.0.1:9092 --events 100000 --topics stream-ends
"""

import argparse
import asyncio
import json
import time

import msgspec
from aiokafka import AIOKafkaConsumer

from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd


async def consume(bootstrap: str, topics: list[str], events: int) -> dict[str, float]:
    """Read and decode this many events; returns seconds and CPU time from the first batch to the last."""
    kinds = {"stream-ends": StreamEnd, "impressions": Impression}
    decode = {topic: msgspec.json.Decoder(kinds[topic]).decode for topic in topics}
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        count, started_s, cpu_s = 0, 0.0, 0.0
        while count < events:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                started_s, cpu_s = started_s or time.perf_counter(), cpu_s or time.process_time()
                read = decode[partition.topic]
                for record in records:
                    read(record.value)
                count += len(records)
        return {"seconds": time.perf_counter() - started_s, "cpu_seconds": time.process_time() - cpu_s}
    finally:
        await consumer.stop()


def main() -> None:
    """Run from the command line; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--topics", required=True)
    options = parser.parse_args()
    told = asyncio.run(consume(options.broker, options.topics.split(","), options.events))
    print(json.dumps({"events": options.events, **told}))  # noqa: T201  read by the benchmark


if __name__ == "__main__":
    main()
