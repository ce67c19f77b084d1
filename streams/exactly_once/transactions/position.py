"""The position of a task: a row of its state, written in every transaction."""

from collections.abc import Collection, Iterable, Mapping

import msgspec
from aiokafka import TopicPartition

from streams.exactly_once.records.produced import StateRow

POSITION_KEY = b"__position__"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The position after the last transaction of a task.

    ``transaction`` counts the task's transactions from its first. ``inputs`` maps topics to the offset at which the
    transaction began and the next offset after it, so that a position that moved backwards is visible in the log.
    ``outputs`` maps topics to all partitions that the task may have written to: each can lack this transaction's
    marker. ``partition_count`` is the number of partitions that the rows were divided for when the topics grew; 0 if
    they never have.

    >>> Position.of_row(Position(inputs={"left": (3, 7)}).row().value or b"").starts
    {'left': 7}
    """

    transaction: int = 0
    inputs: dict[str, tuple[int, int]] = {}
    outputs: dict[str, tuple[int, ...]] = {}
    partition_count: int = 0

    @classmethod
    def of_row(cls, value: bytes) -> "Position":
        """Decode a row; raises msgspec.DecodeError."""
        return msgspec.json.decode(value, type=cls)

    def row(self) -> StateRow:
        """Encode it as a state row."""
        return StateRow(POSITION_KEY, msgspec.json.encode(self))

    @property
    def starts(self) -> dict[str, int]:
        """The next offset of each input."""
        return {topic: end for topic, (_, end) in self.inputs.items()}

    def output_partitions(self) -> set[TopicPartition]:
        """The output partitions that the task may have written to."""
        return {TopicPartition(topic, number) for topic, numbers in self.outputs.items() for number in numbers}

    def resuming_at(self, starts: Mapping[str, int]) -> "Position":
        """The same position, resumed at these offsets, which are higher where input was lost."""
        return msgspec.structs.replace(self, inputs={topic: (offset, offset) for topic, offset in starts.items()})

    def outdated(self) -> "Position":
        """The same without input offsets: an older version, which writes no positions, has written since."""
        return msgspec.structs.replace(self, transaction=self.transaction + 1, inputs={})

    def divided_for(self, partition_count: int) -> "Position":
        """The same position for another number of partitions."""
        return msgspec.structs.replace(self, partition_count=partition_count)

    def without_outputs(self, topic: str) -> "Position":
        """The same for a task that will not write to this topic again, and whose markers are all there."""
        outputs = {name: numbers for name, numbers in self.outputs.items() if name != topic}
        return msgspec.structs.replace(self, outputs=outputs)

    def after(self, ends: Mapping[str, int]) -> "Position":
        """The position after a transaction that processed its inputs up to these offsets."""
        starts = self.starts
        inputs = {topic: (starts.get(topic, end), end) for topic, end in ends.items()}
        return msgspec.structs.replace(self, transaction=self.transaction + 1, inputs=inputs)

    def declaring(self, partitions: Collection[TopicPartition]) -> "Position":
        """The position after a transaction that only announces these output partitions.

        >>> Position().declaring([TopicPartition("sums", 2), TopicPartition("sums", 0)]).outputs
        {'sums': (0, 2)}
        """
        known = self.output_partitions().union(partitions)
        outputs = {topic: tuple(_numbers(known, topic)) for topic in sorted({tp.topic for tp in known})}
        return msgspec.structs.replace(self.after(self.starts), outputs=outputs)


def _numbers(partitions: Iterable[TopicPartition], topic: str) -> list[int]:
    return sorted(tp.partition for tp in partitions if tp.topic == topic)
