"""What one Faust message carries: everything that was fetched of one topic-partition at once."""

from typing import NamedTuple

from streams.exactly_once.records.read_records import Records


class Batch(NamedTuple):
    """Records in offset order, and after which seek of their partition they were fetched.

    Batches that were under way when their partition was sought elsewhere carry an older number than their
    task expects, which is how they are known: gaps between offsets are normal and tell nothing. ``number``
    counts the batches of the partition since that seek, from 0: a task sees by it that none is missing.
    """

    topic: str
    partition: int
    seek: int
    number: int
    records: Records
