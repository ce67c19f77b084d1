"""The payload of one Faust message: all records of one topic-partition from one fetch."""

from typing import NamedTuple

from streams.exactly_once.records.read_records import Records


class Batch(NamedTuple):
    """Records in offset order, with the number of the seek after which they were fetched.

    A batch that was in flight during a seek carries an older ``seek`` than its task expects and is thereby recognised;
    gaps between offsets are normal and cannot show it. ``number`` counts the batches of the partition since that seek,
    from 0, so that a task notices a missing one.
    """

    topic: str
    partition: int
    seek: int
    number: int
    records: Records
