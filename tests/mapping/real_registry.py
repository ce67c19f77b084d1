"""Topics in Avro, Protobuf and JSON Schema behind a real schema registry, mapped by a worker; and the account.

python -m tests.mapping.real_registry http://localhost:8081 --backend jars --count 20000

The registry is any with Confluent's API: that of Apicurio is at `/apis/ccompat/v7`. Each format has a shelfwise of its
own, with a prefix. One record in fifty is cut, one in fifty names a schema that the registry does not know.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from streams.mapping.formats.registry import RegistryAccess
from streams.mapping.mapping_settings import Format
from tests.exactly_once.brokers import BACKENDS, create_topics, read_all
from tests.mapping.bench_mapping import BATCH, COUNT, SCHEMA, START_MS, batches, mapping_us
from tests.mapping.foreign import Foreign, mapping_worker, prepare, write

EVERY = 50
PARTITIONS, DEADLINE_S = 3, 600.0
JSON_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Play",
    "type": "object",
    "properties": {"user": {"type": "string"}, "card": {"type": "string"}, "ms": {"type": "integer"}},
}
UNKNOWN = b"\x00\x7f\xff\xff\xff"
Written = Callable[[dict[str, Any]], bytes]


def play(number: int) -> dict[str, Any]:
    return {"user": f"user-{number % 400}", "card": f"card-{number % 300}", "ms": 60_000, "at": START_MS + 20 * number}


def protobuf_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="registry_plays.proto", package="real", syntax="proto3")
    message, types = file.message_type.add(name="Play"), descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate({"user": "STRING", "card": "STRING", "ms": "INT64", "at": "INT64"}.items()):
        message.field.add(name=name, number=number + 1, type=getattr(types, f"TYPE_{kind}"), label=types.LABEL_OPTIONAL)
    pool: Any = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("real.Play"))


def writers(client: SchemaRegistryClient) -> dict[Format, Written]:
    """What writes a play in each format, with its schema registered."""
    context = {kind: SerializationContext(topic_of(kind), MessageField.VALUE) for kind in ("avro", "protobuf")}
    avro = AvroSerializer(client, Schema(json.dumps(SCHEMA), "AVRO"))
    kind = protobuf_type()
    protobuf = ProtobufSerializer(kind, client, {"use.deprecated.format": False})
    number = client.register_schema(f"{topic_of('json-schema')}-value", Schema(json.dumps(JSON_SCHEMA), "JSON"))
    return {
        "avro": lambda event: avro(event, context["avro"]),
        "protobuf": lambda event: protobuf(kind(**event), context["protobuf"]),
        "json-schema": lambda event: b"\x00" + number.to_bytes(4, "big") + json.dumps(event).encode(),
    }


def topic_of(kind: str) -> str:
    return f"plays-{kind}"


def records(kind: Format, write_one: Written, count: int) -> tuple[list[Foreign], Counter[str]]:
    """Records of a topic, and how many are expected to be what."""
    found, expected = [], Counter[str]()
    for number in range(count):
        value = write_one(play(number))
        if number % EVERY == 1:
            value, what = value[:-4], "rejected"
        elif number % EVERY == 2 and kind != "json-schema":  # JSON needs no schema, which is not asked for
            value, what = UNKNOWN + value[5:], "rejected"
        else:
            what = "mapped"
        expected[what] += 1
        found.append(Foreign(topic_of(kind), number % PARTITIONS, value, b"device-%d" % (number % 40)))
    return found, expected


async def mapped(bootstrap: str, folder: Path, url: str, kind: Format, given: list[Foreign]) -> dict[str, Any]:
    """Run a worker until every record is somewhere; the account."""
    prefix = f"{kind}."
    create_topics(bootstrap, {topic_of(kind): PARTITIONS})
    config = prepare(
        bootstrap, folder, 0,
        f'registry_url = "{url}"\n[topics]\nprefix = "{prefix}"\n[input.stream_ends]\ntopic = "{topic_of(kind)}"\n'
        f'format = "{kind}"\nuser_id = "user"\ncard_id = "card"\nplayed_ms = "ms"\nevent_ms = "at"\n',
    )  # fmt: skip
    await write(bootstrap, given)
    began_s = time.monotonic()
    with mapping_worker(bootstrap, config, folder / f"{kind}.log") as worker:
        ours: list[Any] = []
        letters: list[Any] = []
        while len(ours) + len(letters) < len(given):
            assert time.monotonic() < began_s + DEADLINE_S, worker.last_line()
            worker.refuse_if_dead()
            await asyncio.sleep(0.5)
            ours = await read_all(bootstrap, f"{prefix}stream-ends")
            letters = await read_all(bootstrap, f"{prefix}mapping-stream-ends.dlq")
        took_s = time.monotonic() - began_s
    times = Counter(json.loads(it.value or b"")["event_ms"] for it in ours)
    reasons = Counter(dict(it.headers)["shelfwise.reason"].decode() for it in letters)
    return {"mapped": len(ours), "each_once": max(times.values()) == 1, "rejected": dict(reasons), "s": round(took_s)}


async def main_of(bootstrap: str, folder: Path, url: str, count: int) -> bool:
    access, holds = RegistryAccess(url=url), True
    for kind, write_one in writers(SchemaRegistryClient({"url": url})).items():
        given, expected = records(kind, write_one, count)
        found = await mapped(bootstrap, folder, url, kind, given)
        right = found["each_once"] and found["mapped"] == expected["mapped"]
        holds &= right and sum(found["rejected"].values()) == expected["rejected"]
        values = [write_one(play(number)) for number in range(COUNT)]
        cost_us = mapping_us(kind, batches(values, (), [b"k"] * len(values)), access)
        print(json.dumps({"format": kind, **found, "us_an_event": round(cost_us, 1), "batch": BATCH}), flush=True)
    return holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("registry")
    parser.add_argument("--backend", choices=sorted(BACKENDS), default="jars")
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    with BACKENDS[options.backend]() as broker, tempfile.TemporaryDirectory() as folder:
        if not asyncio.run(main_of(broker.bootstrap, Path(folder), options.registry, options.count)):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
