"""Compiles, or loads, what the driver needs of machine code: while it does, the interpreter does nothing else."""

from aiokafka import TopicPartition

from streams.exactly_once.records.batch_builder import Batches
from streams.exactly_once.records.fetched_batches import FetchedBatches, read_pieces
from streams.exactly_once.records.produced import Produced


def compile_ahead() -> None:
    """Write and read one record, so that no heartbeat waits for a compiler later.

    >>> compile_ahead()
    """
    place = TopicPartition("outputs", 0)
    outputs = Batches(1, None, now_ms=0).of_outputs([Produced(place.topic, b"key", b"value")], {place.topic: 1}, 0)
    for _, _, laid in outputs:
        batch = FetchedBatches(laid.content()).next_batch()
        assert batch is not None
        read_pieces(place, list(batch))
