"""What the driver tells of its tasks: what is there to read, how old inputs were, and what a task measures."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.exactly_once.observer import Observer
from streams.exactly_once.partitions.measuring import STAMPS_MAX, Measuring
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import Measured, Measures, TaskSpec
from streams.harness.interface import KafkaHarness
from tests.exactly_once.brokers import create_sums_topics, fresh_prefix, settings_for, working, write
from tests.exactly_once.keyed_sums import KeyedSums, sums_spec
from tests.exactly_once.watching import Watching


class CountingSums(KeyedSums):
    """Keeps its count in its state, and measures it."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.count = 0

    def restore(self, rows: Iterable[StateRow]) -> None:
        super().restore(rows)
        self.count = self.sums.pop(b"#", 0)

    def changed(self) -> Iterable[StateRow]:
        rows = list(super().changed())
        self.count += len(rows)
        return [*rows, StateRow(b"#", str(self.count).encode())] if rows else []

    def measures(self) -> Measures:
        return Measures({"rows": self.count}, {"keys": len(self.sums)})


class Hearing(Watching):
    """Remembers what is told about inputs and measures as well."""

    def __init__(self) -> None:
        super().__init__()
        self.members: list[set[tuple[str, int]]] = []
        self.lags: list[tuple[int, str, int, float]] = []
        self.read_to_end: set[int] = set()
        self.ages_ms: list[int] = []
        self.counts: Counter[str] = Counter()
        self.keys: dict[int, float] = {}

    def joined(self, partitions: Iterable[tuple[str, int]]) -> None:
        self.members.append(set(partitions))
        self._changed.set()

    def lagging(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        self.lags.append((partition, topic, records, seconds))
        self._changed.set()

    def caught_up(self, task: str, partition: int) -> None:
        self.read_to_end.add(partition)
        self._changed.set()

    def delivered(self, task: str, partition: int, *, ages_ms: NDArray[np.int64]) -> None:
        self.ages_ms += ages_ms.tolist()
        self._changed.set()

    def measured(self, task: str, partition: int, *, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        self.counts.update(counts)
        self.keys[partition] = gauges["keys"]
        self._changed.set()


@pytest.fixture
def prefix(broker: KafkaHarness) -> str:
    name = fresh_prefix()
    create_sums_topics(broker.bootstrap, name)
    return name


def test_a_worker_tells_that_it_joined_caught_up_and_how_old_its_inputs_were(bootstrap: str, prefix: str) -> None:
    stamp_ms = time.time_ns() // 1_000_000 - 5_000
    inputs = [Produced(f"{prefix}-left", b"k", b"1", partition=1, timestamp_ms=stamp_ms) for _ in range(30)]

    async def history() -> Hearing:
        hearing = Hearing()
        await write(bootstrap, inputs)
        async with working(settings_for(bootstrap, prefix), sums_spec(prefix), observer=hearing):
            await hearing.until(lambda it: len(it.ages_ms) >= 30 and it.read_to_end == {0, 1, 2, 3})
            await hearing.until(lambda it: (1, f"{prefix}-left", 0, 0.0) in it.lags)
        return hearing

    heard = asyncio.run(history())
    assert heard.members[0] == {(f"{prefix}-sums", number) for number in range(4)}
    assert len(heard.ages_ms) == 30
    assert all(5_000 <= age_ms < 60_000 for age_ms in heard.ages_ms)


def test_a_task_that_takes_long_lags_by_records_and_seconds(bootstrap: str, prefix: str) -> None:
    class Slow(KeyedSums):
        def process(self, topic: str, records: Sequence[Record]) -> Iterator[Produced]:
            time.sleep(0.3)  # it works so long on each batch
            return super().process(topic, records)

    stamp_ms = time.time_ns() // 1_000_000 - 60_000
    inputs = [Produced(f"{prefix}-left", b"k", b"1", partition=0, timestamp_ms=stamp_ms) for _ in range(60)]

    async def history() -> Hearing:
        hearing = Hearing()
        for start in range(0, 60, 5):  # a batch that was written together is read together
            await write(bootstrap, inputs[start : start + 5])
        spec = replace(sums_spec(prefix, make=lambda _: Slow(prefix)), in_thread=True)
        async with working(settings_for(bootstrap, prefix, fetch_max_records=5), spec, observer=hearing):
            await hearing.until(lambda it: any(lag[:2] == (0, f"{prefix}-left") and lag[2] > 10 for lag in it.lags))
        return hearing

    lags = [lag for lag in asyncio.run(history()).lags if lag[1] == f"{prefix}-left" and lag[2] > 10]
    assert all(records <= 60 and 0 <= seconds < 300 for _, _, records, seconds in lags)
    assert max(seconds for *_, seconds in lags) > 59, "as old as what waits there"


def test_what_a_restored_task_has_counted_before_is_not_counted_again(bootstrap: str, prefix: str) -> None:
    async def history() -> list[Hearing]:
        heard = []
        for keys in ([b"a", b"b"], [b"c"]):
            hearing, count = Hearing(), len(keys)
            await write(bootstrap, [Produced(f"{prefix}-left", key, b"1", partition=0) for key in keys])
            spec = sums_spec(prefix, make=lambda _: CountingSums(prefix))
            async with working(settings_for(bootstrap, prefix), spec, observer=hearing):
                await hearing.until(lambda it, count=count: it.counts["rows"] >= count)
            heard.append(hearing)
        return heard

    first, second = asyncio.run(history())
    assert (first.counts["rows"], first.keys[0]) == (2, 2)
    assert (second.counts["rows"], second.keys[0]) == (1, 3)


class Ages(Observer):
    def __init__(self) -> None:
        self.told: list[list[int]] = []

    def delivered(self, task: str, partition: int, *, ages_ms: NDArray[np.int64]) -> None:
        self.told.append(ages_ms.tolist())


def measuring(awaits: str | None) -> tuple[Measuring, Ages]:
    spec = TaskSpec(name="sums", inputs=("left",), state_topic="s", make=KeyedSums, awaits=awaits)  # type: ignore[arg-type]
    ages = Ages()
    return Measuring(spec, 0, ages, lambda: 1_000), ages


def test_inputs_wait_for_the_output_that_somebody_awaits() -> None:
    told_by, ages = measuring(awaits="pages")
    told_by.note(np.array([100, 200]))
    told_by.tell(told_by.take([Produced("sums", b"k", b"1")], None))
    assert ages.told == []
    told_by.note(np.array([900]))
    told_by.tell(told_by.take([Produced("sums", b"k", b"1"), Produced("pages", b"k", b"1")], None))
    told_by.tell(told_by.take([Produced("pages", b"k", b"1")], None))
    assert ages.told == [[900, 800, 100]]


def test_an_output_that_never_comes_does_not_fill_the_memory() -> None:
    told_by, ages = measuring(awaits="pages")
    for _ in range(5):
        told_by.note(np.full(STAMPS_MAX // 2, 400))
        told_by.tell(told_by.take([], None))
    told_by.tell(told_by.take([Produced("pages", b"k", b"1")], None))
    assert [len(told) for told in ages.told] == [STAMPS_MAX]


def test_a_task_measures_itself_only_if_it_says_so() -> None:
    assert isinstance(CountingSums("p"), Measured)
    assert not isinstance(KeyedSums("p"), Measured)
