"""The listeners task on the wire."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import chain

import numpy as np

from processors.arrays import IntArray
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.rules.watermark import SOURCES
from processors.wire.batch import Column
from processors.wire.impressions import read_impressions
from processors.wire.stream_ends import read_stream_ends
from processors.written import Written
from schemas.forwarded import FORWARDED, PROGRESS
from schemas.rankings import ShelfRanking, ranking_key
from streams.exactly_once.records.produced import Produced, RowColumns, Rows, StateRow
from streams.exactly_once.records.read_records import Record, Records
from streams.exactly_once.records.spans import ABSENT, Spans
from streams.exactly_once.task import Measures
from streams.tasks.broadcast import Positions, broadcast_keyed, broadcast_message, either
from streams.tasks.forget_requests import parts_between
from streams.tasks.forwarding import Forwarding, parts_by_topic
from streams.tasks.intake import Intake, RecordContext
from streams.tasks.routing import produced, topic_of

RANKINGS = topic_of(ShelfRanking)
COUNT_UNSETTLED_MS = 5_000
"""Interval of counting unsettled exposures, by the wall clock: the cost grows with their number."""


def always() -> bool:
    """Say yes: what is asked for is there from the start."""
    return True


class ListenersTask:
    """One partition of users: impressions and stream-ends in; outcomes, interactions, sums and rankings out.

    Its memory is compacted only if `may_compact`, which tells whether the machine code for it is loaded.
    """

    def __init__(
        self,
        settings: ListenersSettings,
        partition: int,
        partition_count: int,
        may_compact: Callable[[], bool] = always,
    ) -> None:
        self.core = Listeners(settings, source=f"listeners/{partition}")
        self.core.settlement.may_compact = may_compact
        self._partition_count = partition_count
        self._intake = Intake(self.core.dead_letter)
        self._forwarding = Forwarding(partition, partition_count)
        self._positions = Positions()
        self._read_ms = 0
        self._now_ms = 0
        self._unsettled = (-COUNT_UNSETTLED_MS, 0)  # time of the count, and the count

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the settlement, which continues to follow the partitions that its listeners come from."""
        own = self._forwarding.restore(rows)
        self.core.restore((row.key, row.value) for row in own if row.value is not None)
        self.core.settlement.follow(self._forwarding.held_ms)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Apply broadcast records."""
        learned, count = self.core.learned, self.core.dead_letter
        put: dict[str, Callable[..., None]] = {
            "catalogue": learned.put_card,
            "co-clusters": learned.put_co_clusters,
            "card-groups": either(learned.put_card_group, learned.withdraw_group),
            "experiments": self.core.definitions.put,
            "drift-incidents": self.core.put_incident,
            "card-statistics": either(learned.put_statistics, learned.withdraw_statistics),
        }
        hand_on = broadcast_message if topic == "co-clusters" else broadcast_keyed
        for record in records:
            hand_on(topic, record, put[topic], count)
        self._positions.note(records)
        self.core.positions = dict(sorted(self._positions.items()))
        return ()

    def process(self, topic: str, records: Records) -> Iterable[Produced]:
        """Process one batch of impressions or stream-ends, and forget listeners, in the order of the log."""
        if topic != FORWARDED:
            return self._process(topic, records, records.offsets)
        outputs: list[Produced] = []
        for origin, part in parts_by_topic(records):
            if origin in SOURCES:  # offsets of another partition would say nothing
                with self.core.elsewhere():
                    outputs += self._process(origin, part, np.full(len(part), -1))
            elif origin == PROGRESS:
                for record in part:
                    self._forwarding.note(record.value or b"")
                self.core.follow(self._forwarding.held_ms)
        return outputs

    def _process(self, topic: str, records: Records, offsets: IntArray) -> list[Produced]:
        outputs: list[Produced] = []
        done = 0
        for part, forgotten in parts_between(records, self._partition_count):
            if len(part):
                outputs += self._take(topic, part, offsets[done : done + len(part)])
            done += len(part) + (forgotten is not None)
            if forgotten is not None:
                outputs += self._forget(forgotten)
        return outputs

    def _forget(self, user_id: str) -> Iterable[Produced]:
        """Forget a listener here, and produce messages for the learner and tombstones for her rankings."""
        due, told = self.core.forget(user_id)
        keys = (ranking_key(user_id, surface).encode() for surface in self.core.surfaces)
        return [*map(_produced, due), produced(told), *(Produced(RANKINGS, key, None) for key in keys)]

    def _take(self, topic: str, records: Records, offsets: IntArray) -> list[Produced]:
        dead: list[Produced] = []
        context = RecordContext.of(records, self._partition_count)
        self._read_ms = int(context.clock_ms[-1])
        slow = self._intake.canonical_input(topic, records, context, dead, partial(self._forwarding.forward, topic))
        values, keys = Column(*records.values), Column(*records.keys)
        if context.is_misplaced.any():  # a missing value takes the slow path, which reports the fault
            values = values._replace(lengths=np.where(context.is_misplaced, ABSENT, values.lengths))
        if topic == "impressions":
            impressions = read_impressions(values, keys, context.clock_ms, slow)
            self.core.take_impressions(impressions, offsets, context.clock_ms)
        else:
            stream_ends = read_stream_ends(values, keys, context.clock_ms, slow)
            self.core.take_stream_ends(stream_ends, offsets, context.clock_ms)
        forwarded, passed_ms = self._forwarding.taken()
        if forwarded:  # their time passes here as well, but after that of the others in the batch
            self.core.forwarded(topic, len(forwarded), passed_ms if records.topic == topic else -1)
        return [*dead, *forwarded]

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:
        """Process the wall-clock time; a source with unread records is not silent."""
        self._now_ms = now_ms
        lag_ms = max(0, now_ms - self._read_ms) if behind else 0
        self.core.tick(now_ms, behind, lag_ms=lag_ms)
        self._forwarding.tick(now_ms, lag_ms)
        return ()

    def conclude(self) -> Iterable[Produced]:
        """Outcomes, interactions, rankings and sums for everything since the last commit."""
        concluded = self.core.conclude()
        written = map(_produced, concluded.written)
        rankings = chain.from_iterable(pages.encoded() for pages in concluded.pages)
        settlement = self.core.settlement
        return [
            *self._forwarding.progress(settlement.watermark_ms, is_idle=settlement.is_idle),
            *written,
            *map(produced, concluded.messages),
            *(Produced(RANKINGS, key, value) for key, value in rankings),
        ]

    def changed(self) -> Rows:
        """Changed rows of the settlement."""
        rows = self.core.changed_columns()
        others = [*self._forwarding.changed(), *(StateRow(key, value) for key, value in self.core.other_rows())]
        if rows is None:
            return others
        columns = rows.columns
        values = Spans.packed(columns.values, columns.value_ends)
        lengths = np.where(columns.is_deleted, ABSENT, values.lengths)
        in_columns = RowColumns(Spans.packed(columns.keys, columns.key_ends), values._replace(lengths=lengths))
        return [in_columns, StateRow(*rows.partition), *others]

    def measures(self) -> Measures:
        """Counters and sizes of the settlement, and the generation of the co-clusters in use."""
        settlement = self.core.settlement
        if self._now_ms >= self._unsettled[0] + COUNT_UNSETTLED_MS:
            self._unsettled = (self._now_ms, settlement.exposures_unsettled)
        return Measures(
            {
                **settlement.counters,
                **self.core.shadow.counters,
                **self.core.exposing.counters,
                **self.core.definitions.counters,
            },
            {
                "exposures_open": self._unsettled[1],
                "exposures_kept": settlement.exposures_open,
                "listeners_kept": settlement.listeners_count,
                "shadow_pages_kept": len(self.core.shadow.pages),
                "listeners_exposed": len(self.core.exposing.memory),
                "generation": self.core.learned.blocks.generation,
            },
        )


def _produced(written: Written) -> Produced:
    return Produced(topic_of(written.kind), written.key, written.value)
