"""The exactly-once account of keyed sums: what the outputs must say, whatever happened on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from aiokafka import ConsumerRecord

from streams.exactly_once.records.partitioner import Partitioner
from streams.exactly_once.records.produced import Produced


class Account(NamedTuple):
    """How outputs compare with inputs."""

    outputs: int
    duplicates: int
    missing: int
    wrong_sums: int

    @property
    def balanced(self) -> bool:
        return (self.duplicates, self.missing, self.wrong_sums) == (0, 0, 0)


def random_inputs(prefix: str, seed: int, count: int, keys: int = 50, partitions: int = 4) -> list[Produced]:
    """Numbers for both inputs, under keys that both share."""
    random = Random(seed)
    partition_of = Partitioner().partition_of
    inputs = []
    for _ in range(count):
        key = f"key-{random.randrange(keys)}".encode()
        topic = random.choice((f"{prefix}-left", f"{prefix}-right"))
        value = str(random.randrange(-100, 100)).encode()
        inputs.append(Produced(topic, key, value, partition=partition_of(key, partitions)))
    return inputs


def expected_sums(inputs: Iterable[Produced]) -> dict[bytes, int]:
    sums: dict[bytes, int] = defaultdict(int)
    for record in inputs:
        assert record.key is not None
        sums[record.key] += int(record.value or b"0")
    return dict(sums)


def account(inputs: Iterable[Produced], outputs: Iterable[ConsumerRecord]) -> Account:
    """Every input must be told of once, and the running sums must end where arithmetic does.

    A running sum is checked step by step: the next output of a key must differ from the one before by its
    input.
    """
    offsets: Counter[tuple[str, int]] = Counter()
    values: dict[tuple[str, int, int], int] = {}
    for record in inputs:
        assert record.partition is not None
        place = (record.topic, record.partition)
        values[*place, offsets[place]] = int(record.value or b"0")
        offsets[place] += 1
    told: Counter[tuple[str, int, int]] = Counter()
    sums: dict[bytes, int] = defaultdict(int)
    wrong = count = 0
    for output in outputs:
        assert output.value is not None
        assert output.key is not None
        topic, partition, offset, total = output.value.decode().split()
        source = (topic, int(partition), int(offset))
        told[source] += 1
        count += 1
        sums[output.key] += values.get(source, 0)
        if sums[output.key] != int(total):
            wrong += 1
            sums[output.key] = int(total)
    duplicates = sum(times - 1 for times in told.values())
    return Account(count, duplicates, len(values.keys() - told.keys()), wrong)
