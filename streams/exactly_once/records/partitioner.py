"""Kafka's default partitioner, so that all clients agree on the partition of a key."""

from aiokafka.partitioner import murmur2

_CACHED_KEYS_MAX = 200_000


class Partitioner:
    """Kafka's default partitioner with a cache, because keys repeat and the hash is slow in Python.

    >>> Partitioner().partition_of(b"user-1", 12) == (murmur2(b"user-1") & 0x7FFFFFFF) % 12
    True
    """

    def __init__(self) -> None:
        self._hashes: dict[bytes, int] = {}

    def partition_of(self, key: bytes, partitions: int) -> int:
        """The partition of a key."""
        hashes = self._hashes
        value = hashes.get(key)
        if value is None:
            if len(hashes) >= _CACHED_KEYS_MAX:  # cheaper than least-recently-used order
                hashes.clear()
            value = hashes[key] = murmur2(key) & 0x7FFFFFFF
        return value % partitions
