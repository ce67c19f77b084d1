"""Seeded corruption of a record's metadata: headers, key, timestamp, partition."""

from collections.abc import Callable
from random import Random

from streams.exactly_once.records.produced import Produced
from streams.reading.header_names import ESCAPED

MANY = 3_000
DAY_MS = 24 * 3_600_000
OURS = (
    *(f"shelfwise.source.{name}" for name in ("topic", "partition", "offset", "timestamp_ms")),
    *(f"shelfwise.{name}" for name in ("reason", "detail", "attempt")),
)
ODD_KEYS = (b"", b"\xff\xfe", b"u" * 2_000, b"null", b"u1@search")
ODD_VALUES: tuple[bytes | None, ...] = (None, b"", b"9" * 5_000, b"-1", b"0x7", b"\xff\xfe", b"1")


def odd_names(record: Produced, random: Random) -> Produced:
    """Headers with arbitrary bytes as names, one of them twice."""
    names = [random.randbytes(random.randrange(9)).decode(errors=ESCAPED) for _ in range(3)]
    return record._replace(headers=[(name, random.choice(ODD_VALUES)) for name in (*names, names[0])])


def names_of_ours(record: Produced, random: Random) -> Produced:
    """Headers with the names of dead letters' headers and invalid values."""
    chosen = OURS if random.random() < 0.5 else random.sample(OURS, random.randint(1, 6))
    return record._replace(headers=[(name, random.choice(ODD_VALUES)) for name in chosen])


def many_headers(record: Produced, random: Random) -> Produced:
    """A large header, or occasionally thousands of headers."""
    if random.random() < 0.02:
        return record._replace(headers=[("h", None)] * MANY)
    return record._replace(headers=[("large", bytes(random.randrange(20_000)))])


def without_key(record: Produced, random: Random) -> Produced:
    """No key: any partition is right, but the key is wrong."""
    return record._replace(key=None, partition=random.randrange(4))


def another_key(record: Produced, random: Random) -> Produced:
    """Another listener's key, an unknown one, or one that is not text."""
    return record._replace(key=random.choice(ODD_KEYS))


def another_stamp(record: Produced, random: Random) -> Produced:
    """No timestamp, in both notations, an old one, or one in the future."""
    now_ms = record.timestamp_ms or 0
    return record._replace(timestamp_ms=random.choice((-1, 0, 1, now_ms - 400 * DAY_MS, now_ms + 3_000_000)))


def another_partition(record: Produced, random: Random) -> Produced:
    """Any partition, as with another client's partitioner."""
    return record._replace(partition=random.randrange(4))


Spoiler = Callable[[Produced, Random], Produced]
SPOILERS: tuple[Spoiler, ...] = (
    odd_names, names_of_ours, many_headers, without_key, another_key, another_stamp, another_partition,
)  # fmt: skip


def spoiled(record: Produced, random: Random) -> tuple[str, Produced]:
    """Apply one of them, and return its name with the record.

    >>> name, odd = spoiled(Produced("impressions", b"u1", b"{}", timestamp_ms=5), Random(2)); name, odd.value
    ('another_partition', b'{}')
    """
    spoiler = random.choice(SPOILERS)
    return spoiler.__name__, spoiler(record, random)
