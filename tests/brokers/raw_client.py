"""A client that says exactly what it is told to: one socket, one request at a time, any version."""

import itertools
import socket
import struct
import time
from types import TracebackType
from typing import Any, Self

from streams.broker import record_batch as batches
from streams.broker.record_batch import BatchHeader, Record
from streams.broker.wire import API_KEYS, REQUESTS, RESPONSES

ANSWER_WITHIN_S = 120.0
DEADLINE_S = 120.0


def _build(cls: Any, version: int, fields: dict[str, Any]) -> Any:
    """Turn nested dicts and lists into kafka-python's message classes."""
    values = {}
    for key, value in fields.items():
        data_class = getattr(cls._struct.fields[key], "data_class", None)
        is_nested = isinstance(value, list) and data_class is not None
        values[key] = [_build(data_class, version, item) for item in value] if is_nested else value
    return cls(version=version, **values)


class RawClient:
    """Speaks to a single-node broker."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=ANSWER_WITHIN_S)
        self._correlation_ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, api: str, version: int, **fields: Any) -> Any:
        self.send(api, version, **fields)
        return self.receive(api, version)

    def send(self, api: str, version: int, **fields: Any) -> None:
        message = _build(REQUESTS[API_KEYS[api]], version, fields)
        message.with_header(correlation_id=next(self._correlation_ids), client_id="raw")
        self._socket.sendall(message.encode(header=True, framed=True))

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, api: str, version: int) -> Any:
        return RESPONSES[api].decode(self.receive_frame(), version=version, header=True)

    def receive_frame(self) -> bytes:
        (size,) = struct.unpack(">i", self._receive_exactly(4))
        return self._receive_exactly(size)

    def _receive_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            if not chunk:
                raise ConnectionResetError("the broker has closed the connection")
            data += chunk
        return bytes(data)

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes within a time."""
        self._socket.settimeout(seconds)
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(ANSWER_WITHIN_S)

    def wait_for_topic(self, name: str, partitions: int) -> None:
        """A broker may say that a topic is created, and who leads it, before it serves it."""
        deadline = time.monotonic() + DEADLINE_S
        wanted = [
            {"partition_index": index, "current_leader_epoch": -1, "timestamp": -2} for index in range(partitions)
        ]
        while time.monotonic() < deadline:
            (topic,) = self.ask("Metadata", 4, topics=[{"name": name}], allow_auto_topic_creation=False).topics
            answer = self.ask("ListOffsets", 5, replica_id=-1, topics=[{"name": name, "partitions": wanted}])
            is_served = not any(part.error_code for part in answer.topics[0].partitions)
            if not topic.error_code and len(topic.partitions) == partitions and is_served:
                return
            time.sleep(0.01)
        raise TimeoutError(f"{name} is not served: {topic}")

    def produce(
        self,
        topic: str,
        *values: bytes,
        partition: int = 0,
        producer: tuple[int, int] = (-1, -1),
        sequence: int = -1,
        transactional_id: str | None = None,
    ) -> Any:
        """Send one batch; returns the partition's answer."""
        return self.produce_bytes(
            topic,
            write_batch(*values, producer=producer, sequence=sequence, transactional=transactional_id is not None),
            partition=partition,
            transactional_id=transactional_id,
        )

    def produce_bytes(
        self, topic: str, records: bytes, *, partition: int = 0, transactional_id: str | None = None
    ) -> Any:
        response = self.ask(
            "Produce",
            7,
            transactional_id=transactional_id,
            acks=-1,
            timeout_ms=10_000,
            topic_data=[{"name": topic, "partition_data": [{"index": partition, "records": records}]}],
        )
        return response.responses[0].partition_responses[0]

    def fetch(
        self,
        topic: str,
        offset: int,
        *,
        partition: int = 0,
        committed: bool = False,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 1 << 25,
        partition_max_bytes: int = 1 << 25,
    ) -> Any:
        response = self.ask(
            "Fetch",
            11,
            replica_id=-1,
            max_wait_ms=max_wait_ms,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            isolation_level=int(committed),
            session_id=0,
            session_epoch=-1,
            topics=[
                {
                    "topic": topic,
                    "partitions": [
                        {
                            "partition": partition,
                            "current_leader_epoch": -1,
                            "fetch_offset": offset,
                            "log_start_offset": -1,
                            "partition_max_bytes": partition_max_bytes,
                        }
                    ],
                }
            ],
            forgotten_topics_data=[],
            rack_id="",
        )
        return response.responses[0].partitions[0]

    def list_offset(self, topic: str, timestamp: int, *, committed: bool = False, partition: int = 0) -> int:
        response = self.ask(
            "ListOffsets",
            5,
            replica_id=-1,
            isolation_level=int(committed),
            topics=[
                {
                    "name": topic,
                    "partitions": [{"partition_index": partition, "current_leader_epoch": -1, "timestamp": timestamp}],
                }
            ],
        )
        offset: int = response.topics[0].partitions[0].offset
        return offset

    def init_producer(self, transactional_id: str | None, version: int = 1, **more: Any) -> Any:
        """Ask until the broker is ready to answer: a real one loads its coordinator first."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            fields = {"transactional_id": transactional_id, "transaction_timeout_ms": 60_000, **more}
            response = self.ask("InitProducerId", version, **fields)
            if response.error_code not in (14, 15, 16, 51) or time.monotonic() > deadline:
                return response
            time.sleep(0.02)

    def add_partition(
        self,
        transactional_id: str,
        producer: tuple[int, int],
        topic: str,
        partition: int = 0,
        version: int = 0,
    ) -> int:
        """Take a partition into a transaction; a broker may still be busy with the one before."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            response = self.ask(
                "AddPartitionsToTxn",
                version,
                v3_and_below_transactional_id=transactional_id,
                v3_and_below_producer_id=producer[0],
                v3_and_below_producer_epoch=producer[1],
                v3_and_below_topics=[{"name": topic, "partitions": [partition]}],
            )
            code: int = response.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
            if code != 51 or time.monotonic() > deadline:
                return code
            time.sleep(0.02)

    def end(self, transactional_id: str, producer: tuple[int, int], *, committed: bool, version: int = 1) -> int:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            response = self.ask(
                "EndTxn",
                version,
                transactional_id=transactional_id,
                producer_id=producer[0],
                producer_epoch=producer[1],
                committed=committed,
            )
            code: int = response.error_code
            if code != 51 or time.monotonic() > deadline:
                return code
            time.sleep(0.02)


def write_batch(
    *values: bytes | None,
    producer: tuple[int, int] = (-1, -1),
    sequence: int = -1,
    transactional: bool = False,
    timestamp_ms: int | None = None,
    keys: tuple[bytes | None, ...] | None = None,
) -> bytes:
    """One uncompressed batch as a client would send it."""
    now_ms = time.time_ns() // 1_000_000 if timestamp_ms is None else timestamp_ms
    header = BatchHeader(
        0,
        0,
        0,
        2,
        0,
        0x10 if transactional else 0,
        len(values) - 1,
        now_ms,
        now_ms,
        producer[0],
        producer[1],
        sequence,
        len(values),
    )  # fmt: skip  the order of the wire
    keys = keys or (b"k",) * len(values)
    return bytes(
        batches.rebuild(
            header,
            [Record(index, now_ms, key, value) for index, (key, value) in enumerate(zip(keys, values, strict=True))],
        )
    )


def values_of(partition: Any) -> list[bytes | None]:
    """The values in a partition's answer to Fetch, control batches left out, aborted records included."""
    return [record.value for record in records_of(partition)]


def records_of(partition: Any) -> list[Record]:
    data, found = memoryview(partition.records or b""), []
    while data:
        header = batches.parse_header(data)
        if not header.is_control:
            found += list(batches.read_records(data))
        data = data[header.size :]
    return found
