"""Checks that records are in the partitions of their keys by Kafka's own partitioner (murmur2).

Some clients use other partitioners. Topics that are joined by partition need one for all writers, and brokers do not
check it.
"""

from collections.abc import Callable, Iterable
from zlib import crc32

import numpy as np
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

from streams.exactly_once.records.batch_builder import plain
from streams.exactly_once.records.batch_layout import NOT_CHOSEN, choose_partitions
from streams.exactly_once.records.spans import Spans


def misplaced(keys: Spans, partition: int, partition_count: int) -> NDArray[np.bool_]:
    """Which records of a partition, by their keys, belong in another one; a record without a key may be in any.

    >>> [bool(misplaced(Spans.of([b"user-1"]), number, 4)[0]) for number in range(4)]
    [False, True, True, True]
    >>> misplaced(Spans.of([None]), 3, 4).tolist()
    [False]
    """
    unknown = np.full(keys.size, NOT_CHOSEN, np.int32)
    unknown.flags.writeable = False
    wrong: NDArray[np.bool_] = choose_partitions(plain(keys), unknown, partition_count, partition) != partition
    return wrong


def partition_of(key: bytes, partition_count: int) -> int:
    """The partition of a key.

    >>> partition_of(b"user-1", 4)
    0
    """
    return int((murmur2(key) & 0x7FFFFFFF) % partition_count)


def _fnv1a(key: bytes) -> int:
    hashed = 0x811C9DC5
    for byte in key:
        hashed = ((hashed ^ byte) * 0x01000193) & 0xFFFFFFFF
    return hashed


OTHERS: dict[str, Callable[[bytes, int], int]] = {
    "CRC32 (librdkafka: confluent-kafka, kcat)": lambda key, count: crc32(key) % count,
    "FNV-1a (sarama, segmentio's Hash)": lambda key, count: abs(np.int32(np.uint32(_fnv1a(key))).item()) % count,
}


def looks_like(placed: Iterable[tuple[bytes, int]], partition_count: int) -> str | None:
    """Name the known partitioner that explains the partitions of all these keys; None if there is none.

    >>> keys = [b"user-%d" % number for number in range(20)]
    >>> looks_like([(key, crc32(key) % 4) for key in keys], 4)
    'CRC32 (librdkafka: confluent-kafka, kcat)'
    >>> looks_like([(key, 0) for key in keys], 4)
    """
    listed = list(placed)
    for name, partition_by in OTHERS.items():
        if all(partition_by(key, partition_count) == partition for key, partition in listed):
            return name
    return None
