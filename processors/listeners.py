"""The listeners task: joins, settles, folds listeners into their groups, and ranks their pages.

Batches of events in; what follows from them, once a transaction. Settlement is a function of the events alone; rankings
also of what the broadcast topics had said by then, which every ranking writes down.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import FloatArray, IntArray
from processors.engagement import Engagement
from processors.listeners_settings import ListenersSettings
from processors.policies.keyed_draws import name_key
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranked_pages import RankedPages
from processors.ranking.ranking_request import RankingRequest
from processors.settlement.due import CorrectedExposure, EndedStream, SettledImpression
from processors.settlement.exposure_columns import ExposureColumns
from processors.settlement.rows import Row, changed_rows, restore
from processors.settlement.settlement import Settlement
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.stream_ends import StreamEnd

ORGANIC = "organic"
INTERACTIONS_MAX = 150
"""So many go into one record: with the longest names that there can be it is one that a broker takes."""


class Concluded(NamedTuple):
    """What follows from a transaction's events: outcomes, interactions and sums as messages, and pages as columns."""

    messages: list[Struct]
    pages: list[RankedPages]

    def everything(self) -> Iterator[Struct]:
        """All of it as messages."""
        yield from self.messages
        for pages in self.pages:
            yield from pages.messages()


class Listeners:
    """Processor of one partition of users.

    `source` names the partition in the sums of engagement.
    """

    def __init__(self, settings: ListenersSettings, source: str, learned: Learned | None = None) -> None:
        self.settings = settings
        self.source = source
        self.learned = learned or Learned(settings.rewards)
        self.positions: dict[str, int] = {}
        self.settlement = Settlement(settings.settlement)
        self._makers = [PageMaker.of(ranking) for ranking in settings.ranking.by_surface()]
        self._engagement = Engagement(settings.bucket_length_ms)
        self._settled: list[SettledImpression] = []
        self._played: list[EndedStream | CorrectedExposure] = []
        self._touched: dict[str, None] = {}
        self._wall_ms = self._ranked_ms = self._pause_ms = 0

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the settlement that wrote these rows."""
        self.settlement = restore(self.settings.settlement, rows)
        self._engagement.report_from(self.settlement.counters)
        waiting = [one for one in self.settlement.listeners.values() if one.touch > self.settlement.ranked_touches]
        self._touched = dict.fromkeys(one.user_id for one in waiting)

    def changed_rows(self) -> Iterable[Row]:
        """Rows of state that have changed since the last call."""
        return changed_rows(self.settlement)

    def impressions(self, arrivals: Iterable[tuple[int, Impression]]) -> None:
        """Take in impressions with their offsets; `conclude` says what follows."""
        self._arrived(self.settlement.arrive_impressions(arrivals))

    def stream_ends(self, arrivals: Iterable[tuple[int, StreamEnd]]) -> None:
        """Take in stream-ends with their offsets; `conclude` says what follows."""
        self._arrived(self.settlement.arrive_streams(arrivals))

    def tick(self, wall_ms: int, behind: Collection[str] = (), lag_ms: int = 0) -> None:
        """Take note of the wall clock: by it sources that have fallen silent are told, and when pages are due.

        Sources in `behind` are not silent: more of theirs waits to be read. What was read last is `lag_ms` old.
        """
        self.settlement.watermark.tick(wall_ms, behind)
        self._wall_ms, self._pause_ms = wall_ms, min(lag_ms // 2, self.settings.catching_up_ms)
        self._arrived([])

    def dead_letter(self, reason: str) -> None:
        """Count a record that was set aside."""
        self.settlement.counters[f"dead_letters_{reason}"] += 1

    def conclude(self) -> Concluded:
        """Say what follows from all that came since this was last asked; before `changed_rows`.

        A listener of whom much has come is ranked once: nobody would have seen the rankings in between.
        """
        settled, self._settled = self._settled, []
        played, self._played = self._played, []
        messages = [*self._outcomes(settled), *self._plays(played)]
        pages = list(self._due_pages())
        sums = self._engagement.hand_over(
            self.source,
            watermark_ms=self.settlement.watermark.value_ms,
            generation=self.learned.blocks.generation,
            counters=self.settlement.counters,
        )
        return Concluded([*messages, *sums], pages)

    def _arrived(self, touched: Iterable[str]) -> None:
        self._touched.update(dict.fromkeys(touched))
        for item in self.settlement.advance():
            if isinstance(item, SettledImpression):
                self._settled.append(item)
            else:
                self._played.append(item)

    def _outcomes(self, items: Sequence[SettledImpression]) -> Iterator[Struct]:
        if not items:
            return
        exposures = ExposureColumns(items)
        weights = self.learned.user_weights(self.learned.play_columns([item.plays for item in items]))
        yield from exposures.outcomes(list(map(tuple, weights.tolist())), self.learned.blocks.generation)
        self._engagement.add_settled(exposures, weights.argmax(axis=1), self._card_groups(exposures.card_id))

    def _plays(self, items: Sequence[EndedStream | CorrectedExposure]) -> Iterator[Struct]:
        if not items:
            return
        sampled: list[EndedStream] = []
        cards = [item.stream.card_id for item in items]
        weights = self.learned.user_weights(self.learned.play_columns([item.plays for item in items]))
        columns = zip(
            items,
            weights.argmax(axis=1).tolist(),
            weights.tolist(),
            self._card_groups(cards).tolist(),
            strict=True,
        )
        self._add_evidence(items, weights)
        for item, group, row, card_group in columns:
            if isinstance(item, CorrectedExposure):
                yield item.outcome(tuple(row), self.learned.blocks.generation)
                cell = (item.impression.variant, group, card_group)
                self._engagement.add_correction(item.stream.event_ms, cell, item.previous_ms, item.played_ms)
                continue
            seconds = item.stream.played_ms / 1_000.0
            cell = (item.variant or ORGANIC, group, card_group)
            self._engagement.add_stream(item.stream.event_ms, cell, seconds, float(np.log1p(seconds)))
            if self._is_sampled(item.stream.user_id):
                sampled.append(item)
        for first in range(0, len(sampled), INTERACTIONS_MAX):
            yield self._interactions(sampled[first : first + INTERACTIONS_MAX])

    def _interactions(self, items: Sequence[EndedStream]) -> Interactions:
        streams = [item.stream for item in items]
        return Interactions(
            source=self.source,
            event_id=tuple([stream.event_id for stream in streams]),
            user_id=tuple([stream.user_id for stream in streams]),
            card_id=tuple([stream.card_id for stream in streams]),
            event_ms=tuple([stream.event_ms for stream in streams]),
            played_ms=tuple([stream.played_ms for stream in streams]),
            organic=tuple([item.variant is None for item in items]),
        )

    def _card_groups(self, cards: Sequence[str]) -> IntArray:
        """The hard card group [n] of these cards; -1 where nobody knows the card."""
        return np.append(self.learned.card_groups(), -1)[self.learned.rows_of(cards)]

    def _add_evidence(self, items: Sequence[EndedStream | CorrectedExposure], weights: FloatArray) -> None:
        """What the streams of known cards among these say of the co-clusters, against what those led to expect."""
        rows = self.learned.rows_of([item.stream.card_id for item in items])
        chosen = np.flatnonzero((rows >= 0) & np.array([isinstance(item, EndedStream) for item in items]))
        streams = [items[number].stream for number in chosen.tolist()]
        users, cards = weights[chosen], self.learned.card_weights_of(rows[chosen])
        self._engagement.add_evidence(
            np.array([stream.event_ms for stream in streams], dtype=np.int64),
            users,
            cards,
            x=np.log1p(np.array([stream.played_ms for stream in streams]) / 1_000.0),
            expected=np.einsum("ng,gk,nk->n", users, self.learned.blocks.mean, cards),
        )

    def _is_sampled(self, user_id: str) -> bool:
        return name_key(user_id) < self.settings.sample_share * 2.0**64

    def _due_pages(self) -> Iterator[RankedPages]:
        if self._wall_ms - self._ranked_ms < self._pause_ms:
            return
        touched, self._touched = self._touched, {}
        self._ranked_ms = self._wall_ms
        self.settlement.ranked_touches = self.settlement.touches
        requests = []
        for user_id in touched:
            listener = self.settlement.listeners.get(user_id)
            if listener is not None:
                requests.append(
                    RankingRequest(
                        user_id=user_id,
                        ranking_number=listener.event_count,
                        event_ms=listener.newest_ms,
                        plays=listener.plays[-self.settings.settlement.plays_max :],
                        sources=dict(sorted((listener.offsets | self.positions).items())),
                    )
                )
        for maker in self._makers:
            pages = maker.pages(self.learned, requests)
            if pages is not None:
                yield pages
