"""Who asks to be forgotten: a record of an input topic with a listener's id for a key, and no value (null).

Like a tombstone of a compacted topic. A value of no bytes is none: that is a broken client, and a dead letter.
"""

from collections.abc import Iterator

import numpy as np

from schemas.fields import IDENTIFIER_MAX
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.read_records import Records


def parts_between(records: Records, partition_count: int) -> Iterator[tuple[Records, str | None]]:
    """Records in their order, cut where somebody asks; each part with who does after it, or with nobody.

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
    """Whom a key names; nobody, where it is no id, or another partition's: then the record is a dead letter."""
    if not key or partition_of(key, partition_count) != partition:
        return None
    try:
        user_id = key.decode()
    except UnicodeDecodeError:
        return None
    return user_id if len(user_id) <= IDENTIFIER_MAX else None
