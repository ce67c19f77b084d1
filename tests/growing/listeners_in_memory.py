"""Listeners tasks, logs and states in memory, whose number of partitions can grow between any two batches."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.codec import decode, encode
from schemas.forwarded import FORWARDED
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.outcomes import OutcomeCorrected, one_by_one
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.produced import Produced, ProducedColumns, RowColumns, StateRow
from streams.exactly_once.records.read_records import ReadRecord, Records
from streams.exactly_once.records.spans import Spans
from streams.growing.divisions import LISTENERS
from streams.growing.growth import Growth
from streams.tasks.listeners_task import ListenersTask
from tests.builders import impression, stream_end

SETTLEMENT = SettlementSettings(
    horizon_ms=20_000, attribution_ms=20_000, correction_ms=60_000, lateness_ms=1_000, idle_ms=10**9
)
INPUTS = ("impressions", "stream-ends", FORWARDED)
Place = tuple[str, int]


class ListenersInMemory:
    """All partitions; a batch is one transaction, and a crash builds a task from its rows."""

    def __init__(self, partitions: int) -> None:
        self.count = partitions
        self.logs: dict[Place, list[ReadRecord]] = defaultdict(list)
        self.read: Counter[Place] = Counter()
        self.states: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.settled: dict[tuple[str, str, int, int], list[int]] = defaultdict(list)
        self.corrected: dict[tuple[str, str, int, int], list[tuple[str, int]]] = defaultdict(list)
        self.interactions: Counter[tuple[str, str]] = Counter()
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.letters: list[Produced] = []
        self.now_ms = 0
        self.tasks = {number: self._opened(number) for number in range(partitions)}

    def write(self, event: Any, partitions: int) -> None:
        """A client writes an event, by this number of partitions."""
        topic = "impressions" if isinstance(event, Impression) else "stream-ends"
        key = event.user_id.encode()
        self._append(topic, partition_of(key, partitions), event.event_ms, key, encode(event), ())

    def unread(self) -> list[Place]:
        """The inputs with unread records."""
        known = [place for place in self.logs if place[1] < self.count]
        return sorted(place for place in known if self.read[place] < len(self.logs[place]))

    def process(self, place: Place, size: int) -> None:
        """One task reads a batch and commits."""
        topic, number = place
        start = self.read[place]
        batch = self.logs[place][start : start + size]
        self.read[place] = start + len(batch)
        self._commit(number, lambda task: task.process(topic, Records.of(batch)))

    def tick(self) -> None:
        """A second passes everywhere."""
        self.now_ms += 1_000
        for number in range(self.count):
            behind = [topic for topic, of in self.unread() if of == number]
            self._commit(number, lambda task, behind=behind: task.tick(self.now_ms, behind))

    def crash(self, number: int) -> None:
        """A task is opened again."""
        self.tasks[number] = self._opened(number)

    def grow(self, after: int) -> None:
        """Divide all states, with what is unread left where it is."""
        growth = Growth(self.count, after)
        for old in range(self.count):
            rows = self.states[old]
            shared = {key: value for key, value in rows.items() if LISTENERS.owner_of(key) is None}
            places = growth.places(Spans.of(map(LISTENERS.owner_of, rows)), old).tolist()
            for (key, value), place in zip(list(rows.items()), places, strict=True):
                if place != old:
                    assert place in growth.heirs(old)
                    self.states[place][key] = LISTENERS.moved(key, value)
                    del rows[key]
            for heir in growth.heirs(old):
                self._keep(heir, LISTENERS.of_heir(shared, growth, heir))
            self._keep(old, LISTENERS.of_old(shared, growth, old))
        self.count = after
        self.tasks = {number: self._opened(number) for number in range(after)}

    def finish(self, rng: np.random.Generator) -> None:
        """Read everything, in any order, until all progress has arrived."""
        for _ in range(3):
            while unread := self.unread():
                self.process(unread[rng.integers(len(unread))], int(rng.integers(1, 40)))
            self.tick()
            self.tick()

    def close_books(self, event_ms: int) -> None:
        """A listener of each partition has events long after all others."""
        for number in range(self.count):
            name = next(f"closer-{it}" for it in range(10_000) if partition_of(b"closer-%d" % it, self.count) == number)
            self.write(impression(event_id="end", user_id=name, event_ms=event_ms, seen=()), self.count)
            self.write(stream_end(event_id="end", user_id=name, started_ms=event_ms - 5, event_ms=event_ms), self.count)

    def _opened(self, number: int) -> ListenersTask:
        task = ListenersTask(ListenersSettings(settlement=SETTLEMENT), number, self.count)
        task.restore(StateRow(*row) for row in self.states[number].items())
        task.tick(self.now_ms, ())
        return task

    def _commit(self, number: int, work: Callable[[ListenersTask], Any]) -> None:
        task = self.tasks[number]
        for produced in [*work(task), *task.conclude()]:
            for record in produced.each() if isinstance(produced, ProducedColumns) else (produced,):
                self._take(record)
        for rows in task.changed():
            self._keep(number, rows.each() if isinstance(rows, RowColumns) else (rows,))

    def _keep(self, number: int, rows: Any) -> None:
        for key, value in rows:
            if value is None:
                self.states[number].pop(key, None)
            else:
                self.states[number][key] = value

    def _append(self, topic: str, partition: int, stamp_ms: int, *rest: Any) -> None:
        log = self.logs[topic, partition]
        log.append(ReadRecord(topic, partition, len(log), stamp_ms, *rest))

    def _take(self, record: Produced) -> None:
        """Enter output in the books, or in the log of what is forwarded."""
        if record.topic == FORWARDED:
            assert record.partition is not None
            stamp_ms = record.timestamp_ms or self.now_ms
            self._append(FORWARDED, record.partition, stamp_ms, record.key, record.value, tuple(record.headers))
        elif record.topic.endswith(".dlq"):
            self.letters.append(record)
        elif record.topic in {"outcomes", "interactions", "shelf-rankings"}:
            self._enter(decode(record.topic, record.value))

    def _enter(self, message: Any) -> None:
        if isinstance(message, Interactions):
            self.interactions.update((one.user_id, one.event_id) for one in message.interactions())
        elif hasattr(message, "ranking_number"):
            self.numbers[message.user_id].append(message.ranking_number)
        elif isinstance(message, OutcomeCorrected):
            exposure = (message.user_id, message.impression_id, message.row, message.slot)
            self.corrected[exposure].append((message.stream_event_id, message.played_ms))
        else:
            for one in one_by_one([message]):
                self.settled[one.user_id, one.impression_id, one.row, one.slot].append(one.played_ms)
