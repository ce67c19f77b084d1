"""Requests to forget a listener: records of an input topic with the listener's id as key and a null value.

Like a tombstone in a compacted topic. An empty value is not a request, but a faulty client's dead letter.
"""

from collections.abc import Iterator

import numpy as np

from schemas.fields import IDENTIFIER_MAX
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.read_records import Records


def parts_between(records: Records, partition_count: int) -> Iterator[tuple[Records, str | None]]:
    """Split records at requests; each part comes with the listener to forget after it, or None.

    >>> from streams.exactly_once.records.read_records import ReadRecord
    >>> values = (b"{}", None, b"{}")
    >>> records = Records.of([ReadRecord("impressions", 0, at, 5, b"user-1", it) for at, it in enumerate(values)])
    >>> [(len(part), user_id) for part, user_id in parts_between(records, 4)]
    [(1, 'user-1'), (1, None)]
    """
    start = 0
    for place in np.flatnonzero(records.values.lengths < 0).tolist():
        user_id = _user_of(records.keys.at(place), records.partition, partition_count)
        if user_id is not None:
            yield records[start:place], user_id
            start = place + 1
    if start < len(records):
        yield records[start:], None


def _user_of(key: bytes | None, partition: int, partition_count: int) -> str | None:
    """The listener of a key; None if it is not a valid id or belongs to another partition (then a dead letter)."""
    if not key or partition_of(key, partition_count) != partition:
        return None
    try:
        user_id = key.decode()
    except UnicodeDecodeError:
        return None
    return user_id if len(user_id) <= IDENTIFIER_MAX else None
