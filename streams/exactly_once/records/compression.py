"""Compression of record batches: Kafka's codecs by name and by number."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from aiokafka.codec import (
    gzip_decode,
    gzip_encode,
    lz4_decode,
    lz4_encode,
    snappy_decode,
    snappy_encode,
    zstd_decode,
    zstd_encode,
)

Compression: TypeAlias = Literal["gzip", "snappy", "lz4", "zstd"]

ENCODERS: dict[Compression, tuple[int, Callable[[bytes], bytes]]] = {
    "gzip": (1, gzip_encode),
    "snappy": (2, snappy_encode),
    "lz4": (3, lz4_encode),
    "zstd": (4, zstd_encode),
}
"""The number of each codec in a batch's attributes, and its encoder."""

DECODERS: dict[int, Callable[[bytes], bytes]] = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}
"""Decoders by that number."""
