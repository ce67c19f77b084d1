"""The listeners task: joins, settles, folds listeners into their groups, and ranks their pages.

One batch of events in, messages out. Settlement is a function of the events alone; rankings also of what the broadcast
topics had said by then, which every ranking writes down.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import FloatArray
from processors.engagement import Engagement
from processors.listeners_settings import ListenersSettings
from processors.policies.keyed_draws import name_key
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker, RankingRequest
from processors.ranking.soft_groups import softmax
from processors.settlement.due import CorrectedExposure, Due, EndedStream, SettledImpression
from processors.settlement.rows import Row, changed_rows, restore
from processors.settlement.settlement import Settlement
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd

ORGANIC = "organic"


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
        self.pages = [PageMaker.of(ranking) for ranking in settings.ranking.by_surface()]
        self._engagement = Engagement(settings.bucket_length_ms)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the settlement that wrote these rows."""
        self.settlement = restore(self.settings.settlement, rows)
        self._engagement.report_from(self.settlement.counters)

    def changed_rows(self) -> Iterable[Row]:
        """Rows of state that have changed since the last call."""
        return changed_rows(self.settlement)

    def impressions(self, arrivals: Sequence[tuple[int, Impression]]) -> list[Struct]:
        """Take in impressions with their offsets."""
        return self._conclude(self.settlement.arrive_impressions(arrivals))

    def stream_ends(self, arrivals: Sequence[tuple[int, StreamEnd]]) -> list[Struct]:
        """Take in stream-ends with their offsets."""
        return self._conclude(self.settlement.arrive_streams(arrivals))

    def tick(self, wall_ms: int, behind: Collection[str] = ()) -> list[Struct]:
        """Take note of the wall clock, by which only sources that have fallen silent are told.

        Sources in `behind` are not: more of theirs waits to be read.
        """
        self.settlement.watermark.tick(wall_ms, behind)
        return self._conclude([])

    def dead_letter(self, reason: str) -> None:
        """Count a record that was set aside."""
        self.settlement.counters[f"dead_letters_{reason}"] += 1

    def _conclude(self, touched: Iterable[str]) -> list[Struct]:
        due = self.settlement.advance()
        messages = self._due_messages(due)
        messages.extend(self._rankings(touched))
        messages.extend(
            self._engagement.hand_over(
                self.source,
                watermark_ms=self.settlement.watermark.value_ms,
                generation=self.learned.blocks.generation,
                counters=self.settlement.counters,
            )
        )
        return messages

    def _due_messages(self, due: Sequence[Due]) -> list[Struct]:
        if not due:
            return []
        messages: list[Struct] = []
        weights = self.learned.user_weights([item.plays for item in due])
        groups, weight_rows = weights.argmax(axis=1).tolist(), weights.tolist()
        generation = self.learned.blocks.generation
        card_groups = self._card_groups(due)
        self._add_evidence(due, weights)
        for item, group, row in zip(due, groups, weight_rows, strict=True):
            if isinstance(item, EndedStream):
                self._count_stream(item, group, card_groups)
                if self._is_sampled(item.stream.user_id):
                    messages.append(item.interaction())
                continue
            messages.extend(item.outcomes(tuple(row), generation))
            if isinstance(item, SettledImpression):
                self._count_settled(item, group, card_groups)
            else:
                self._count_corrected(item, group, card_groups)
        return messages

    def _card_groups(self, due: Sequence[Due]) -> dict[str, int]:
        """The hard card group of every card that is spoken of; -1 where nobody knows the card."""
        cards: dict[str, int] = {}
        for item in due:
            if isinstance(item, SettledImpression):
                cards.update(dict.fromkeys(item.impression.cards, -1))
            else:
                cards[item.stream.card_id] = -1
        names = list(cards)
        hard = np.append(self._hard_card_groups(), -1)
        return dict(zip(names, hard[self.learned.rows_of(names)].tolist(), strict=True))

    def _hard_card_groups(self) -> FloatArray:
        return np.asarray(self.learned.card_weights().argmax(axis=1))

    def _add_evidence(self, due: Sequence[Due], weights: FloatArray) -> None:
        """What the streams of known cards among these say of the co-clusters, against what those led to expect."""
        ended = [(number, item.stream) for number, item in enumerate(due) if isinstance(item, EndedStream)]
        rows = self.learned.rows_of([stream.card_id for _, stream in ended])
        ended = [stream for stream, row in zip(ended, rows.tolist(), strict=True) if row >= 0]
        if not ended:
            return
        users = weights[[number for number, _ in ended]]
        cards = softmax(self.learned.card_logits()[rows[rows >= 0]])
        expected = np.einsum("ng,gk,nk->n", users, self.learned.blocks.mean, cards)
        event_ms = np.array([stream.event_ms for _, stream in ended], dtype=np.int64)
        x = np.log1p(np.array([stream.played_ms for _, stream in ended]) / 1_000.0)
        self._engagement.add_evidence(event_ms, users, cards, x, expected)

    def _count_stream(self, item: EndedStream, group: int, card_groups: dict[str, int]) -> None:
        seconds = item.stream.played_ms / 1_000.0
        cell = (item.variant or ORGANIC, group, card_groups[item.stream.card_id])
        self._engagement.add_stream(item.stream.event_ms, cell, seconds, float(np.log1p(seconds)))

    def _count_settled(self, item: SettledImpression, group: int, card_groups: dict[str, int]) -> None:
        shown = item.impression
        known = {play.card_id for play in item.plays if play.event_ms <= shown.shown_ms}
        for card_id, played_ms in zip(shown.cards, item.played_ms, strict=True):
            cell = (shown.variant, group, card_groups[card_id])
            is_discovery = card_id not in known
            self._engagement.add_exposure(item.settled_ms, cell, played_ms, is_discovery=is_discovery)

    def _count_corrected(self, item: CorrectedExposure, group: int, card_groups: dict[str, int]) -> None:
        cell = (item.impression.variant, group, card_groups[item.stream.card_id])
        risen = self._engagement.crosses(item.previous_ms, item.played_ms)
        self._engagement.add_exposure(item.stream.event_ms, cell, risen, count=0.0)

    def _is_sampled(self, user_id: str) -> bool:
        return name_key(user_id) < self.settings.sample_share * 2.0**64

    def _rankings(self, touched: Iterable[str]) -> list[Struct]:
        requests = []
        for user_id in dict.fromkeys(touched):
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
        return [ranking for pages in self.pages for ranking in pages.rank(self.learned, requests)]
