"""What a mapped event costs beside one of ours: python -m tests.mapping.bench_mapping.

Microseconds of CPU time an event, of one partition in one process: mapping by format, and what the listeners task needs
for the same events in our own format (reading, settling, ranking).
"""

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.codec import encode
from schemas.stream_ends import StreamEnd
from streams.exactly_once.records.read_records import ReadRecord, Records
from streams.mapping.formats.decoder import Headers
from streams.mapping.formats.format_catalogue import decoder_of
from streams.mapping.formats.registry import RegistryAccess
from streams.mapping.mapper import mapper_of
from streams.mapping.mapping_settings import Format, StreamEndMapping
from streams.settings import Settings
from streams.tasks.listeners_task import ListenersTask, always
from streams.tasks.mapping_task import MappingTask
from tests.mapping.registry_server import LOGIN, RegistryServer

COUNT, BATCH, ROUNDS = 20_000, 2_000, 3
START_MS = 1_780_000_000_000
COLUMNS = ("user", "card", "ms", "at")
SCHEMA = {
    "type": "record",
    "name": "Play",
    "fields": [
        {"name": "user", "type": "string"},
        {"name": "card", "type": "string"},
        {"name": "ms", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}


def streams() -> list[StreamEnd]:
    return [
        StreamEnd(
            event_id=f"s{number}",
            user_id=f"user-{number % 4_000}",
            card_id=f"card-{number % 300}",
            started_ms=START_MS + 20 * number - 60_000,
            event_ms=START_MS + 20 * number,
            played_ms=60_000,
        )
        for number in range(COUNT)
    ]


def plain(event: StreamEnd) -> dict[str, Any]:
    return {"user": event.user_id, "card": event.card_id, "ms": event.played_ms, "at": event.event_ms}


def as_csv(event: StreamEnd) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(plain(event).values())
    return out.getvalue().encode()


def batches(values: Sequence[bytes], headers: Headers, keys: Sequence[bytes]) -> list[Records]:
    records = [
        ReadRecord("plays", 0, number, START_MS + 20 * number, key, value, tuple(headers))
        for number, (key, value) in enumerate(zip(keys, values, strict=True))
    ]
    return [Records.of(records[at : at + BATCH]) for at in range(0, len(records), BATCH)]


def microseconds(make: Callable[[], Callable[[Records], Any]], given: Sequence[Records]) -> float:
    """The best of some rounds, each with a new task."""
    best = float("inf")
    for _ in range(ROUNDS):
        take = make()
        began_s = time.process_time()
        for batch in given:
            take(batch)
        best = min(best, time.process_time() - began_s)
    return 1e6 * best / COUNT


def mapping_us(kind: Format, given: Sequence[Records], access: RegistryAccess, **changes: Any) -> float:
    names = {"user_id": "user", "card_id": "card", "played_ms": "ms", "event_ms": "at", **changes}
    mapping = StreamEndMapping(format=kind, columns=COLUMNS if kind == "csv" else (), **names)
    decoder = decoder_of(mapping, access)

    def make() -> Callable[[Records], Any]:
        task = MappingTask(mapper_of(mapping), decoder, "stream-ends")
        return lambda batch: task.process("plays", batch)

    return microseconds(make, given)


def listeners_us(given: Sequence[Records]) -> float:
    settings = Settings(page_partitions=1)

    def make() -> Callable[[Records], Any]:
        task = ListenersTask(settings.listeners, 0, 1, always)

        def take(batch: Records) -> None:
            list(task.process("stream-ends", batch))
            list(task.conclude())
            list(task.changed())

        return take

    return microseconds(make, given)


def main() -> None:
    events = streams()
    keys = [event.user_id.encode() for event in events]
    ce = {"ce_id": "1", "ce_source": "/player", "ce_type": "play", "ce_specversion": "1.0"}
    headers = [(name, value.encode()) for name, value in ce.items()]
    in_data = {"user_id": "data.user", "card_id": "data.card", "played_ms": "data.ms", "event_ms": "data.at"}
    found = {"ours, all of the listeners task": listeners_us(batches([encode(it) for it in events], (), keys))}
    with RegistryServer() as server:
        access = RegistryAccess(url=server.url, username=LOGIN.split(":")[0], password=LOGIN.split(":")[1])
        client = SchemaRegistryClient({"url": server.url, "basic.auth.user.info": LOGIN})
        avro = AvroSerializer(client, Schema(json.dumps(SCHEMA), "AVRO"))
        context = SerializationContext("plays", MessageField.VALUE)
        as_json = batches([json.dumps(plain(it)).encode() for it in events], (), keys)
        found["mapping, json"] = mapping_us("json", as_json, access)
        found["mapping, json, with a condition"] = mapping_us("json", as_json, access, where="ms > `1000`")
        found["mapping, csv"] = mapping_us("csv", batches([as_csv(it) for it in events], (), keys), access)
        binary = batches([json.dumps(plain(it)).encode() for it in events], headers, keys)
        found["mapping, cloudevents"] = mapping_us("cloudevents", binary, access, **in_data)
        found["mapping, avro"] = mapping_us(
            "avro", batches([avro(plain(it), context) for it in events], (), keys), access
        )
    for name, cost_us in found.items():
        print(f"{name:<36} {cost_us:6.1f} us an event")


if __name__ == "__main__":
    main()
