"""The listeners task: joins, settles, folds listeners into their groups, and ranks their pages.

Batches of events are its input; output is derived once per transaction. Settlement is a function of the events alone;
rankings also depend on what has been read from the broadcast topics, which every ranking records. Events arrive as
columns and leave as bytes of records: under load, compiled code does all work per event.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import IntArray
from processors.conclusions import Conclusions
from processors.experiments.definitions import Definitions
from processors.experiments.exposing import Exposing
from processors.experiments.exposure_memory import PREFIX as EXPOSED
from processors.leaderboard.shadow import Shadow
from processors.leaderboard.shadow_pages import PREFIX
from processors.listener_ranking import ListenerRanking
from processors.listeners_settings import ListenersSettings
from processors.ranking.learned import Learned
from processors.ranking.ranked_pages import RankedPages
from processors.settlement.settlement import Settlement
from processors.settlement.state.rows import ChangedRows, Row, changed_columns, changed_rows, restore
from processors.wire.impressions import ImpressionColumns, impressions_of
from processors.wire.stream_ends import StreamEndColumns
from processors.written import Written
from schemas.codec import decode_as
from schemas.impressions import Impression
from schemas.interactions import ListenerForgotten
from schemas.monitoring import DriftIncident
from schemas.stream_ends import StreamEvent


class Concluded(NamedTuple):
    """Output of a transaction: outcomes and interactions as bytes, sums, and pages in columns."""

    written: list[Written]
    messages: list[Struct]
    pages: list[RankedPages]

    def everything(self) -> Iterator[Struct]:
        """The output as messages."""
        for one in self.written:
            yield decode_as(one.kind, one.value)
        yield from self.messages
        for pages in self.pages:
            yield from pages.messages()


class Listeners:
    """Processor of one partition of users.

    `source` identifies the partition in the sums of engagement.
    """

    def __init__(self, settings: ListenersSettings, source: str, learned: Learned | None = None) -> None:
        self.settings = settings
        self.source = source
        self.learned = learned or Learned(settings.rewards)
        self.positions: dict[str, int] = {}
        self.settlement = Settlement(settings.settlement)
        self.definitions = Definitions(settings.ranking, settings.rewards)
        self.exposing = Exposing(self.definitions, settings.exposed_max)
        self._ranking = ListenerRanking(settings, self.learned, self.definitions)
        self._conclusions = Conclusions(settings, source, self.learned)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the settlement that wrote these rows."""
        own, of_shadow, of_exposed = _parted(rows, PREFIX, EXPOSED)
        may_compact = self.settlement.may_compact
        self.settlement = restore(self.settings.settlement, own)
        self.settlement.may_compact = may_compact
        self.shadow.pages.restore(of_shadow)
        self.exposing.memory.restore(of_exposed)
        self._conclusions.report.sums.report_from(self.settlement.counters)

    def changed_rows(self) -> Iterable[Row]:
        """Rows of state that have changed since the last call."""
        self._group_pages()
        return chain(changed_rows(self.settlement), self.other_rows())

    def changed_columns(self) -> ChangedRows | None:
        """Those of settlement in columns, None if nothing has changed; fetch the others after it."""
        self._group_pages()
        return changed_columns(self.settlement)

    def other_rows(self) -> Iterable[Row]:
        """Those of the shadow and of experiments."""
        return chain(self.shadow.pages.changed_rows(), self.exposing.memory.changed_rows())

    @property
    def shadow(self) -> Shadow:
        """The candidates in the shadow of this partition's pages."""
        return self._conclusions.shadow

    def take_impressions(self, columns: ImpressionColumns, offsets: IntArray, clock_ms: IntArray | None = None) -> None:
        """Add a batch of impressions, with the offsets of its records; `conclude` returns the output.

        `clock_ms` has for each record the time of a clock that its sender does not control.
        """
        shown = self.exposing.take(columns)
        self.settlement.take_impressions(shown, offsets, clock_ms, groups=len(self.learned.blocks.user_prior))
        self.settlement.advance()

    def take_stream_ends(self, columns: StreamEndColumns, offsets: IntArray, clock_ms: IntArray | None = None) -> None:
        """Add a batch of stream-ends, likewise."""
        self.settlement.take_stream_ends(columns, offsets, clock_ms)
        self.settlement.advance()

    def impressions(self, arrivals: Iterable[tuple[int, Impression]]) -> None:
        """Add impressions with their offsets."""
        offsets, messages = zip(*arrivals, strict=True) if (arrivals := list(arrivals)) else ((), ())
        self.take_impressions(impressions_of(messages), np.array(offsets, dtype=np.int64))

    def stream_ends(self, arrivals: Iterable[tuple[int, StreamEvent]]) -> None:
        """Add stream-ends with their offsets."""
        self.settlement.arrive_streams(arrivals)
        self.settlement.advance()

    def tick(self, wall_ms: int, behind: Collection[str] = (), lag_ms: int = 0) -> None:
        """Pass on the wall clock, which determines idle sources and when pages are due.

        Sources in `behind` are not idle, as they have unread records. The newest records read are `lag_ms` old.
        """
        self.settlement.tick(wall_ms, behind)
        self._ranking.tick(wall_ms, lag_ms)
        self.settlement.advance()

    def forget(self, user_id: str) -> tuple[list[Written], ListenerForgotten]:
        """Erase a listener on request, and return output for what is due by now, and the message for the learner.

        What has become due is concluded first, including the listener's own: later it would write the name again.
        """
        due = self._what_is_due() if self.settlement.is_due else []
        self.settlement.forget(user_id)
        self.shadow.forget(user_id)
        self._conclusions.report.signals.forget(self.source, user_id)
        self.exposing.forget(user_id)
        return due, ListenerForgotten(source=self.source, user_id=user_id)

    @property
    def surfaces(self) -> list[str]:
        """The surfaces for which listeners are ranked, or were under earlier settings: rankings may still exist."""
        return self._ranking.surfaces(self.settlement)

    def put_incident(self, incident_id: str, incident: DriftIncident | None) -> None:
        """Apply a message on drift, which may change how pages are made."""
        self._ranking.incidents.put(incident_id, incident)

    def follow(self, watermark_ms: int | None) -> None:
        """Settle nothing that another partition has not reached, from which events still come; None: no longer."""
        self.settlement.follow(watermark_ms)
        self.settlement.advance()

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Within it, events are taken that were read in another partition: they do not advance event time."""
        with self.settlement.watermark.standing(self.settlement.book):
            yield

    def forwarded(self, source: str, count: int, passed_ms: int) -> None:
        """Count events of other partitions' listeners; they advance event time as if they belonged here.

        Not if they were forwarded here from elsewhere: then the time is -1.
        """
        if passed_ms >= 0:
            self.settlement.pass_by(source, passed_ms)
        self.settlement.dead_letters["records_forwarded"] += count

    def dead_letter(self, reason: str) -> None:
        """Count a record that became a dead letter."""
        self.settlement.dead_letters[f"dead_letters_{reason}"] += 1

    def conclude(self, *, ranks: bool = True) -> Concluded:
        """The output for everything since the last call; call it before `changed_rows`.

        A listener with several events is ranked once: rankings in between would never be visible. Without `ranks`
        listeners go on waiting, and there are no pages.
        """
        written = self._what_is_due()
        pages = list(self._ranking.due_pages(self.settlement, self.positions)) if ranks else []
        sums = self._conclusions.report.sums.hand_over(
            self.source,
            watermark_ms=self.settlement.watermark_ms,
            generation=self.learned.blocks.generation,
            counters=self.settlement.counters,
        )
        limits = self.settings.settlement
        corrected_no_more_ms = self.settlement.watermark_ms - limits.correction_ms - limits.lateness_ms
        signals = self._conclusions.report.signals.hand_over(
            self.source,
            settled_until_ms=self.settlement.watermark_ms - limits.horizon_ms,
            generation=self.learned.blocks.generation,
        )
        of_shadow, exposures = self.shadow.hand_over(self.source, corrected_no_more_ms), self.exposing.hand_over()
        return Concluded(written, [*sums, *of_shadow, *exposures, *signals], pages)

    def _group_pages(self) -> None:
        self._conclusions.grouping.group_pages(self.settlement, self._ranking.rows_of_cards(self.settlement))

    def _what_is_due(self) -> list[Written]:
        due = self.settlement.hand_over()
        return self._conclusions.of(self.settlement, due, self._ranking.rows_of_cards(self.settlement))


def _parted(rows: Iterable[tuple[bytes, bytes]], *prefixes: bytes) -> list[list[tuple[bytes, bytes]]]:
    """Rows of settlement, and those with each of these prefixes."""
    parts: list[list[tuple[bytes, bytes]]] = [[] for _ in range(len(prefixes) + 1)]
    for key, value in rows:
        number = next((number for number, prefix in enumerate(prefixes, 1) if key.startswith(prefix)), 0)
        parts[number].append((key, value))
    return parts
