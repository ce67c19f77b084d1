"""What a partition of listeners reports: engagement by variant and group, signals, calibration, evidence."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.calibrating import Calibrating
from processors.engagement_sums import CorrectionColumns, Engagement, SettledColumns, StreamColumns, Variants
from processors.listeners_settings import ListenersSettings
from processors.metrics.listener_signals import Signals
from processors.ranking.learned import Learned
from processors.settlement.book.book import Book
from processors.settlement.book.layout import Records
from processors.settlement.output.due import Due
from processors.settlement.output.outgoing import Earned
from processors.settlement.output.page_columns import ExposureColumns, PageColumns, are_one
from processors.settlement.output.page_groups import PageGroups
from processors.settlement.output.variants import variants_of
from schemas.variant_names import ORGANIC


class Settled(NamedTuple):
    """Due exposures [n] of due pages [p], and what those with a stream [s] have earned."""

    pages: PageColumns
    groups: PageGroups  # of the pages
    exposures: ExposureColumns
    page: IntArray  # [n]
    cards: IntArray  # [n], catalogue rows; -1 for an unknown card
    streamed: IntArray  # [s], indices of exposures
    earned: Earned


class EngagementReport:
    """Adds up, in `sums` and `signals`, what has settled, ended and been corrected."""

    def __init__(self, settings: ListenersSettings, learned: Learned) -> None:
        self.sums = Engagement(settings.bucket_length_ms)
        self.signals = Signals(is_told=settings.metrics.enabled, window_ms=settings.metrics.window_ms)
        self._learned = learned
        self._calibrating = Calibrating(learned, settings.rewards, settings.ranking.reward)

    def settled(self, book: Book, due: Due, settled: Settled) -> None:
        """Add exposures that have settled."""
        page, settled_ms = settled.page, due.pages["settled_ms"]
        user_group, card_group = self._user_groups(settled.groups), self._card_groups(settled.cards)
        self.signals.add_settled(book, due, settled.pages, settled.exposures, user_group, card_group)
        named, number = variants_of(book.text, settled.pages.variant, ORGANIC)
        self.sums.add_impressions(settled_ms)
        self.sums.add_settled(
            SettledColumns(
                event_ms=settled_ms[page],
                variant=Variants(named, number[page]),
                user_group=user_group[page],
                card_group=card_group,
                played_ms=due.exposures["played_ms"],
                is_discovery=due.exposures["is_discovery"],
                is_sure=are_one(book.text, settled.exposures.propensity),
            )
        )
        compared = self._calibrating.outcomes(settled.cards, settled.groups, page, settled.streamed, settled.earned)
        self.sums.add_calibration(settled_ms[page[compared.places]], compared)

    def streams(self, book: Book, due: Due, pages: PageColumns, cards: IntArray, weights: FloatArray) -> StreamColumns:
        """Add the due streams that have ended, with the soft groups [n, G] of their listeners; returns all of them."""
        streams, seconds = due.streams, due.streams["played_ms"] / 1_000.0
        heard = StreamColumns(
            event_ms=np.ascontiguousarray(streams["event_ms"]),
            variant=Variants(*variants_of(book.text, pages.variant, ORGANIC)),
            user_group=weights.argmax(axis=1),
            card_group=self._card_groups(cards),
            seconds=seconds,
            x=np.log1p(seconds),
        )
        ended = np.flatnonzero(~streams["is_playing"])
        self.sums.add_streams(heard.some(ended))
        self._add_evidence(heard.some(ended), cards[ended], weights[ended])
        return heard

    def corrected(
        self, book: Book, pages: PageColumns, heard: StreamColumns, corrected: Records, groups: PageGroups
    ) -> None:
        """Add corrections of settled exposures by these streams, with their pages and the soft groups of these."""
        user_group = self._user_groups(groups)
        self.signals.add_corrections(book, corrected, pages, user_group, heard.card_group)
        self.sums.add_corrections(
            CorrectionColumns(
                event_ms=heard.event_ms,
                variant=heard.variant,
                user_group=user_group,
                card_group=heard.card_group,
                previous_ms=corrected["previous_ms"],
                played_ms=corrected["total_ms"],
            )
        )

    def calibrate_corrections(
        self, event_ms: IntArray, cards: IntArray, groups: PageGroups, earned: Earned, before: FloatArray
    ) -> None:
        """Compare what corrected exposures have earned, less what they had before, with what was expected."""
        compared = self._calibrating.corrections(cards, groups, earned, before)
        self.sums.add_calibration(event_ms[compared.places], compared)

    def _user_groups(self, groups: PageGroups) -> IntArray:
        """The likeliest current group of each page [p]; that of the prior if its generation is unknown."""
        generations, sizes = self._learned.generations, np.diff(groups.offsets)
        hard = np.full(len(sizes), self._learned.blocks.user_prior.argmax())
        for generation, size in sorted(set(zip(groups.generation.tolist(), sizes.tolist(), strict=True))):
            if generations.knows(generation, size):
                pages = np.flatnonzero((groups.generation == generation) & (sizes == size))
                weights = groups.weights[groups.offsets[pages, None] + np.arange(size)]
                hard[pages] = generations.moved(generation, weights).argmax(axis=1)
        return hard

    def _card_groups(self, rows: IntArray) -> IntArray:
        """The hard card group [n] of the cards in these rows; -1 for an unknown card."""
        return np.append(self._learned.card_groups(), -1)[rows]

    def _add_evidence(self, ended: StreamColumns, cards: IntArray, weights: FloatArray) -> None:
        """Add the evidence of streams on the co-clusters, relative to their expectation; unknown cards are skipped."""
        known = np.flatnonzero(cards >= 0)
        users, groups = weights[known], self._learned.card_weights_of(cards[known])
        self.sums.add_evidence(
            ended.event_ms[known],
            users,
            groups,
            x=ended.x[known],
            expected=((users @ self._learned.blocks.mean) * groups).sum(axis=1),
        )
