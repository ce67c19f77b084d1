"""Compiles or loads the driver's machine code ahead of time, because the interpreter is blocked meanwhile."""

from aiokafka import TopicPartition

from streams.exactly_once.records.batch_builder import Batches
from streams.exactly_once.records.fetched_batches import FetchedBatches, read_pieces
from streams.exactly_once.records.produced import Produced


def compile_ahead() -> None:
    """Write and read one record, so that compilation delays no heartbeat later.

    >>> compile_ahead()
    """
    tp = TopicPartition("outputs", 0)
    outputs = Batches(1, None, now_ms=0).of_outputs([Produced(tp.topic, b"key", b"value")], {tp.topic: 1}, 0)
    for _, _, laid in outputs:
        batch = FetchedBatches(laid.content()).next_batch()
        assert batch is not None
        read_pieces(tp, list(batch))
