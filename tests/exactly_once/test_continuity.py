"""No batch is lost between the fetch and the task without being noticed."""

from collections.abc import Callable

import pytest
from aiokafka import TopicPartition

from streams.exactly_once.errors import ReopenNeeded
from streams.exactly_once.partitions.continuity import PATIENCE_S, Continuity
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.read_records import ReadRecord, Records

LEFT = TopicPartition("left", 3)
RIGHT = TopicPartition("right", 3)


def left(number: int) -> Batch:
    return Batch("left", 3, 7, number, Records.of([ReadRecord("left", 3, number, 0, None, None)]))


def counting(count: int) -> Callable[[TopicPartition, int], int]:
    return lambda tp, seek: count if (tp, seek) == (LEFT, 7) else 0


def begun() -> Continuity:
    continuity = Continuity([LEFT, RIGHT])
    continuity.begin(7)
    return continuity


def test_a_missing_batch_is_seen_by_the_next_one() -> None:
    continuity = begun()
    assert continuity.follows(left(0))
    assert not continuity.follows(left(2))


def test_numbers_start_anew_with_every_seek() -> None:
    continuity = begun()
    assert continuity.follows(left(0))
    continuity.begin(8)
    assert continuity.follows(left(0))


def test_a_last_batch_that_never_arrives_is_missed_after_a_while() -> None:
    continuity = begun()
    continuity.follows(left(0))
    continuity.check(counting(2), 0.0)
    continuity.check(counting(2), PATIENCE_S)
    with pytest.raises(ReopenNeeded, match="left-3"):
        continuity.check(counting(2), PATIENCE_S + 0.1)


def test_a_slow_batch_is_waited_for_as_long_as_others_arrive() -> None:
    continuity = begun()
    continuity.check(counting(5), 0.0)
    continuity.follows(left(0))
    continuity.check(counting(5), PATIENCE_S + 0.1)
    continuity.check(counting(5), 2 * PATIENCE_S)


def test_batches_of_another_seek_are_not_waited_for() -> None:
    continuity = begun()
    continuity.begin(8)
    continuity.check(counting(5), 0.0)
    continuity.check(counting(5), 2 * PATIENCE_S)
