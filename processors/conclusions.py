"""Derives output from what has become due: outcomes, interactions and corrections as bytes; and reports engagement."""

from collections.abc import Iterator

import numpy as np

from processors.arrays import IntArray
from processors.crediting import Crediting, Streamed
from processors.engagement_report import EngagementReport, Settled
from processors.engagement_sums import StreamColumns
from processors.leaderboard.shadow import Shadow
from processors.listeners_settings import ListenersSettings
from processors.page_grouping import PageGrouping
from processors.policies.keyed_draws import name_key
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.settlement.book.layout import Records
from processors.settlement.book.names import text_of
from processors.settlement.output.due import Due
from processors.settlement.output.outgoing import (
    correction_records,
    due_exposures,
    interaction_records,
    outcome_records,
)
from processors.settlement.output.page_columns import PageColumns
from processors.settlement.output.page_groups import PageGroups
from processors.settlement.settlement import Settlement
from processors.written import Written
from schemas.interactions import Interactions
from schemas.outcomes import OutcomeCorrected, OutcomesSettled


class Conclusions:
    """Output for one partition of listeners, identified by `source`; in `of`, sums are added to `report`."""

    def __init__(self, settings: ListenersSettings, source: str, learned: Learned) -> None:
        self._source, self._learned, self._sample_share = source, learned, settings.sample_share
        self._crediting = Crediting(learned, settings.rewards, settings.ranking.seed)
        self.shadow = Shadow(settings.leaderboard, settings.ranking, settings.rewards, learned)
        self.grouping = PageGrouping(learned, self.shadow)
        self.report = EngagementReport(settings, learned)

    def of(self, settlement: Settlement, due: Due, row: IntArray) -> list[Written]:
        """Output for what is due; `row` [n] is the catalogue row of each card by its number in settlement."""
        self.grouping.group_pages(settlement, row)
        self.grouping.group_gone(settlement, due, row)
        self.shadow.settle(settlement.book, due)
        return [*self._outcomes(settlement, due, row), *self._plays(settlement, due, row)]

    def _outcomes(self, settlement: Settlement, due: Due, row: IntArray) -> Iterator[Written]:
        """The outcomes of each card, with the soft groups that listeners had when each page was shown."""
        if not len(due.pages):
            return
        groups = self._groups_of(settlement, due.pages)
        page, cards = np.repeat(np.arange(len(due.pages)), due.pages["count"]), row[due.exposures["card"]]
        streamed = np.flatnonzero(due.exposures["played_ms"] > 0)
        owners = due.pages[page[streamed]]
        earned, _ = self._crediting.credit(
            settlement,
            Streamed(
                owners=owners,
                kept=owners["kept"] + streamed - owners["exposures"],
                cards=cards[streamed],
                seconds=due.exposures["played_ms"][streamed] / 1_000.0,
                page=page[streamed],
                earned_before=np.zeros(len(owners), dtype=np.bool_),
            ),
            groups,
        )
        book = settlement.book
        pages, names = PageColumns.of(book.text, due.pages["page"]), settlement.card_names()
        exposures = due_exposures(book, due)
        for card, value in outcome_records(book, due, pages, exposures, groups, earned):
            yield Written(OutcomesSettled, names[card].encode(), value)
        self.report.settled(book, due, Settled(pages, groups, exposures, page, cards, streamed, earned))

    def _groups_of(self, settlement: Settlement, owners: Records) -> PageGroups:
        """The soft groups of the pages of these due pages or streams."""
        blocks, text = self._learned.blocks, settlement.book.text
        return PageGroups.of(text, owners["page"], owners["page_end"], blocks.generation, blocks.user_prior)

    def _plays(self, settlement: Settlement, due: Due, row: IntArray) -> Iterator[Written]:
        """Ended streams as interactions; they, and those still playing, as corrections of settled exposures."""
        streams, book = due.streams, settlement.book
        if not len(streams):
            return
        plays = PlayColumns(due.stream_offsets, row[due.stream_plays["card"]], due.stream_plays["played_ms"] / 1_000.0)
        weights, cards = self._learned.user_weights(plays), row[streams["card"]]
        pages = PageColumns.of(book.text, streams["page"])
        heard = self.report.streams(book, due, pages, cards, weights)
        sampled, source = self._sampled(settlement, due, np.flatnonzero(~streams["is_playing"])), self._source.encode()
        for value in interaction_records(book, due, sampled, self._source):
            yield Written(Interactions, source, value)
        yield from self._corrections(settlement, due, pages, heard, cards)

    def _corrections(
        self, settlement: Settlement, due: Due, pages: PageColumns, heard: StreamColumns, cards: IntArray
    ) -> Iterator[Written]:
        """Corrections of settled exposures by streams; they are also counted."""
        chosen = np.flatnonzero(due.streams["is_correction"])
        if not len(chosen):
            return
        corrected, names = due.streams[chosen], settlement.card_names()
        groups, every = self._groups_of(settlement, corrected), np.arange(len(chosen))
        streamed = Streamed(
            owners=corrected,
            kept=corrected["kept"],
            cards=cards[chosen],
            seconds=corrected["total_ms"] / 1_000.0,
            page=every,
            earned_before=corrected["previous_ms"] > 0,
        )
        earned, before = self._crediting.credit(settlement, streamed, groups)
        self.report.corrected(settlement.book, pages.some(chosen), heard.some(chosen), corrected, groups)
        self.report.calibrate_corrections(heard.event_ms[chosen], cards[chosen], groups, earned, before)
        records = correction_records(settlement.book, due, pages, groups, chosen, earned, before)
        for card, value in zip(corrected["card"].tolist(), records, strict=True):
            yield Written(OutcomeCorrected, names[card].encode(), value)

    def _sampled(self, settlement: Settlement, due: Due, chosen: IntArray) -> IntArray:
        """Those of the chosen due streams whose users are in the learner's sample."""
        if self._sample_share >= 1.0:
            return chosen
        text, limit, streams = settlement.book.text, self._sample_share * 2.0**64, due.streams[chosen]
        spans = zip(streams["user"].tolist(), streams["user_end"].tolist(), strict=True)
        return chosen[np.array([name_key(text_of(text, *span)) < limit for span in spans], dtype=np.bool_)]
