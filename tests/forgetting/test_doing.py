"""A request is done when the listeners task has passed it in both topics, and the learner what it was told then."""

from itertools import permutations

from schemas.codec import encode
from schemas.interactions import FORGOTTEN_KEY, ListenerForgotten
from streams.auditing.reading import LogRecord
from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.forgetting.doing import INTERACTIONS, LEARNER, LISTENERS, Doing

ASKED = {"impressions": 7, "stream-ends": 3}


def position(topic: str, partition: int = 2, **inputs: int) -> LogRecord:
    told = {name.replace("_", "-"): (0, end) for name, end in inputs.items()}
    return LogRecord(topic, partition, 0, POSITION_KEY, Position(inputs=told).row().value)


def told(user_id: str, offset: int) -> LogRecord:
    message = ListenerForgotten(source="listeners/2", user_id=user_id)
    return LogRecord(INTERACTIONS, 0, offset, FORGOTTEN_KEY.encode(), encode(message))


def test_all_of_it_is_waited_for() -> None:
    doing = Doing("gone", 2, ASKED)
    steps = [
        position(LISTENERS, impressions=8, stream_ends=3),
        told("gone", 40),
        position(LISTENERS, partition=1, impressions=9, stream_ends=9),
        told("somebody else", 41),
        LogRecord(INTERACTIONS, 0, 42, FORGOTTEN_KEY.encode(), b"{"),
        position(LISTENERS, impressions=8, stream_ends=4),
    ]
    for step in steps:
        doing.take(step)
        assert doing.waits_for == "the listeners task of partition 2"
    doing.take(told("gone", 43))
    assert doing.waits_for == "the learner task"
    doing.take(position(LEARNER, partition=0, interactions=43))
    assert doing.waits_for == "the learner task"
    doing.take(position(LEARNER, partition=0, interactions=44))
    assert doing.waits_for is None


def test_it_does_not_matter_which_partition_is_read_first() -> None:
    steps = [
        position(LISTENERS, impressions=8, stream_ends=4),
        told("gone", 40),
        told("gone", 41),
        position(LEARNER, partition=0, interactions=42),
    ]
    for order in permutations(steps):
        doing = Doing("gone", 2, ASKED)
        for number, step in enumerate(order):
            assert doing.waits_for is not None, number
            doing.take(step)
        assert doing.waits_for is None
