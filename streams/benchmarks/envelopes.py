"""Spoils what stands beside a record's value, by seed: headers, key, time stamp, partition."""

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
    """Headers whose names are any bytes, the same one twice."""
    names = [random.randbytes(random.randrange(9)).decode(errors=ESCAPED) for _ in range(3)]
    return record._replace(headers=[(name, random.choice(ODD_VALUES)) for name in (*names, names[0])])


def names_of_ours(record: Produced, random: Random) -> Produced:
    """Headers that are called as those of dead letters, with values that are none."""
    chosen = OURS if random.random() < 0.5 else random.sample(OURS, random.randint(1, 6))
    return record._replace(headers=[(name, random.choice(ODD_VALUES)) for name in chosen])


def many_headers(record: Produced, random: Random) -> Produced:
    """Thousands of headers, once in a while; else a large one."""
    if random.random() < 0.02:
        return record._replace(headers=[("h", None)] * MANY)
    return record._replace(headers=[("large", bytes(random.randrange(20_000)))])


def without_key(record: Produced, random: Random) -> Produced:
    """No key at all: any partition is right, and the key wrong."""
    return record._replace(key=None, partition=random.randrange(4))


def another_key(record: Produced, random: Random) -> Produced:
    """The key of somebody else, of nobody, or no text."""
    return record._replace(key=random.choice(ODD_KEYS))


def another_stamp(record: Produced, random: Random) -> Produced:
    """No time stamp, in both ways, one from long ago, or one that is still to come."""
    now_ms = record.timestamp_ms or 0
    return record._replace(timestamp_ms=random.choice((-1, 0, 1, now_ms - 400 * DAY_MS, now_ms + 3_000_000)))


def another_partition(record: Produced, random: Random) -> Produced:
    """Any partition, as another client's partitioner would choose it."""
    return record._replace(partition=random.randrange(4))


Spoiler = Callable[[Produced, Random], Produced]
SPOILERS: tuple[Spoiler, ...] = (
    odd_names, names_of_ours, many_headers, without_key, another_key, another_stamp, another_partition,
)  # fmt: skip


def spoiled(record: Produced, random: Random) -> tuple[str, Produced]:
    """One of them, by its name, and what became of the record.

    >>> name, odd = spoiled(Produced("impressions", b"u1", b"{}", timestamp_ms=5), Random(2)); name, odd.value
    ('another_partition', b'{}')
    """
    spoiler = random.choice(SPOILERS)
    return spoiler.__name__, spoiler(record, random)
