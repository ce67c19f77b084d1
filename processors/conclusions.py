"""Derives output from what has become due: outcomes, interactions and corrections as bytes, and sums of engagement."""

from collections.abc import Iterator

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.calibrating import Calibrating
from processors.crediting import Crediting
from processors.engagement_sums import CorrectionColumns, Engagement, SettledColumns, StreamColumns, Variants
from processors.leaderboard.shadow import Shadow
from processors.listeners_settings import ListenersSettings
from processors.policies.keyed_draws import name_key
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.settlement.book.book import with_room
from processors.settlement.book.layout import Records
from processors.settlement.book.names import text_of
from processors.settlement.output.due import Due
from processors.settlement.output.outgoing import (
    Earned,
    correction_records,
    due_exposures,
    interaction_records,
    outcome_records,
)
from processors.settlement.output.page_columns import PageColumns, are_one
from processors.settlement.output.page_groups import (
    PageGroups,
    ShownPlays,
    plays_of_gone,
    plays_when_shown,
    put,
    ungrouped,
)
from processors.settlement.output.variants import variants_of
from processors.settlement.rules.credits import SHARES, Credited, bytes_of, exchanged
from processors.settlement.settlement import Settlement
from processors.written import Written
from schemas.interactions import Interactions
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.variant_names import ORGANIC


class Conclusions:
    """Output for one partition of listeners, identified by `source`; sums are added to `engagement`."""

    def __init__(self, settings: ListenersSettings, source: str, learned: Learned) -> None:
        self.engagement = Engagement(settings.bucket_length_ms)
        self._source, self._learned, self._sample_share = source, learned, settings.sample_share
        self._crediting = Crediting(learned, settings.rewards, settings.ranking.seed)
        self.shadow = Shadow(settings.leaderboard, settings.ranking, settings.rewards, learned)
        self._calibrating = Calibrating(learned, settings.rewards, settings.ranking.reward)

    def of(self, settlement: Settlement, due: Due, row: IntArray) -> list[Written]:
        """Output for what is due; `row` [n] is the catalogue row of each card by its number in settlement."""
        self.group_pages(settlement, row)
        self._group_gone(settlement, due, row)
        self.shadow.settle(settlement.book, due)
        return [*self._outcomes(settlement, due, row), *self._plays(settlement, due, row)]

    def group_pages(self, settlement: Settlement, row: IntArray) -> None:
        """Store with each page the soft group of its listener when it was shown, unless it is there; before rows."""
        book = settlement.book
        places = ungrouped(book)
        if len(places):
            shown = plays_when_shown(book, places, settlement.settings.plays_max)
            starts, ends = book.impressions["start"][places], book.impressions["end"][places]
            plays, weights = self._put_groups(book.text, starts, ends, shown, row)
            self.shadow.watch(book, places, plays, weights, row)

    def _group_gone(self, settlement: Settlement, due: Due, row: IntArray) -> None:
        """The same for due pages that were never grouped, and whose impressions the book has dropped by now."""
        book = settlement.book
        is_gone = book.impressions["serial"][due.pages["impression"]] != due.pages["serial"]
        gone = np.flatnonzero(is_gone & ~due.pages["is_grouped"])
        pages = due.pages[gone]
        if len(pages):
            self._put_groups(book.text, pages["page"], pages["page_end"], plays_of_gone(due, gone), row)

    def _put_groups(
        self, text: IntArray, pages: IntArray, ends: IntArray, shown: ShownPlays, row: IntArray
    ) -> tuple[PlayColumns, FloatArray]:
        plays = PlayColumns(shown.offsets, row[shown.plays["card"]], shown.plays["played_ms"] / 1_000.0)
        weights = self._learned.user_weights(plays)
        put(text, pages, ends, weights, self._learned.blocks.generation)
        return plays, weights

    def _outcomes(self, settlement: Settlement, due: Due, row: IntArray) -> Iterator[Written]:
        """The outcomes of each card, with the soft groups that listeners had when each page was shown."""
        if not len(due.pages):
            return
        groups = self._groups_of(settlement, due.pages)
        page, cards = np.repeat(np.arange(len(due.pages)), due.pages["count"]), row[due.exposures["card"]]
        streamed = np.flatnonzero(due.exposures["played_ms"] > 0)
        of_page, seconds = page[streamed], due.exposures["played_ms"][streamed] / 1_000.0
        kept = due.pages["kept"][of_page] + streamed - due.pages["exposures"][of_page]
        earned, _ = self._credited(
            settlement, due.pages[of_page], kept, cards[streamed], seconds, groups, of_page, before=False
        )
        book = settlement.book
        pages, names = PageColumns.of(book.text, due.pages["page"]), settlement.card_names()
        exposures = due_exposures(book, due)
        for card, value in outcome_records(book, due, pages, exposures, groups, earned):
            yield Written(OutcomesSettled, names[card].encode(), value)
        named, number = variants_of(book.text, pages.variant, ORGANIC)
        self.engagement.add_impressions(due.pages["settled_ms"])
        self.engagement.add_settled(
            SettledColumns(
                event_ms=due.pages["settled_ms"][page],
                variant=Variants(named, number[page]),
                user_group=self._hard_groups(groups)[page],
                card_group=self._card_groups(cards),
                played_ms=due.exposures["played_ms"],
                is_discovery=due.exposures["is_discovery"],
                is_sure=are_one(book.text, exposures.propensity),
            )
        )
        compared = self._calibrating.outcomes(cards, groups, page, streamed, earned)
        self.engagement.add_calibration(due.pages["settled_ms"][page[compared.places]], compared)

    def _groups_of(self, settlement: Settlement, owners: Records) -> PageGroups:
        """The soft groups of the pages of these due pages or streams."""
        blocks, text = self._learned.blocks, settlement.book.text
        return PageGroups.of(text, owners["page"], owners["page_end"], blocks.generation, blocks.user_prior)

    def _credited(
        self,
        settlement: Settlement,
        owners: Records,
        kept: IntArray,
        cards: IntArray,
        seconds: FloatArray,
        groups: PageGroups,
        page: IntArray,
        *,
        before: bool,
    ) -> tuple[Earned, FloatArray]:
        """Credit exposures [n] for streams of these seconds, and store the credits; also returns the previous ones.

        `owners` [n] identify their impressions, `kept` [n] their places, `page` [n] their entries in `groups`.
        """
        sizes = np.diff(groups.offsets)[page]
        shares = self._crediting.shares(cards, seconds, groups.generation[page], sizes)
        credited = Credited(
            kept=np.ascontiguousarray(kept),
            impression=owners["impression"].astype(np.int64),
            serial=owners["serial"].astype(np.int64),
            earned_before=owners["previous_ms"] > 0 if before else np.zeros(len(kept), dtype=np.bool_),
            key=shares.key,
            offsets=shares.offsets,
            shares=shares.values,
        )
        settlement.book = with_room(settlement.book, text=bytes_of(credited))
        previous = exchanged(settlement.book, credited)
        return Earned(self._crediting.names, shares.offsets, shares.values / SHARES), previous / SHARES

    def _hard_groups(self, groups: PageGroups) -> IntArray:
        """The likeliest current group of each page [p]; that of the prior if its generation is unknown."""
        generations, sizes = self._learned.generations, np.diff(groups.offsets)
        hard = np.full(len(sizes), self._learned.blocks.user_prior.argmax())
        for generation, size in sorted(set(zip(groups.generation.tolist(), sizes.tolist(), strict=True))):
            if generations.knows(generation, size):
                pages = np.flatnonzero((groups.generation == generation) & (sizes == size))
                weights = groups.weights[groups.offsets[pages, None] + np.arange(size)]
                hard[pages] = generations.moved(generation, weights).argmax(axis=1)
        return hard

    def _plays(self, settlement: Settlement, due: Due, row: IntArray) -> Iterator[Written]:
        """Ended streams as interactions; they, and those still playing, as corrections of settled exposures."""
        streams, book = due.streams, settlement.book
        if not len(streams):
            return
        plays = PlayColumns(due.stream_offsets, row[due.stream_plays["card"]], due.stream_plays["played_ms"] / 1_000.0)
        weights, cards = self._learned.user_weights(plays), row[streams["card"]]
        pages = PageColumns.of(book.text, streams["page"])
        named, number = variants_of(book.text, pages.variant, ORGANIC)
        seconds = streams["played_ms"] / 1_000.0
        heard = StreamColumns(
            event_ms=np.ascontiguousarray(streams["event_ms"]),
            variant=Variants(named, number),
            user_group=weights.argmax(axis=1),
            card_group=self._card_groups(cards),
            seconds=seconds,
            x=np.log1p(seconds),
        )
        ended = np.flatnonzero(~streams["is_playing"])
        self.engagement.add_streams(heard.some(ended))
        self._add_evidence(heard.some(ended), cards[ended], weights[ended])
        source = self._source.encode()
        for value in interaction_records(book, due, self._sampled(settlement, due, ended), self._source):
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
        seconds = corrected["total_ms"] / 1_000.0
        earned, before = self._credited(
            settlement, corrected, corrected["kept"], cards[chosen], seconds, groups, every, before=True
        )
        self.engagement.add_corrections(
            CorrectionColumns(
                event_ms=heard.event_ms[chosen],
                variant=Variants(heard.variant.names, heard.variant.number[chosen]),
                user_group=self._hard_groups(groups),
                card_group=heard.card_group[chosen],
                previous_ms=corrected["previous_ms"],
                played_ms=corrected["total_ms"],
            )
        )
        compared = self._calibrating.corrections(cards[chosen], groups, earned, before)
        self.engagement.add_calibration(heard.event_ms[chosen[compared.places]], compared)
        records = correction_records(settlement.book, due, pages, groups, chosen, earned, before)
        for card, value in zip(corrected["card"].tolist(), records, strict=True):
            yield Written(OutcomeCorrected, names[card].encode(), value)

    def _card_groups(self, rows: IntArray) -> IntArray:
        """The hard card group [n] of the cards in these rows; -1 for an unknown card."""
        return np.append(self._learned.card_groups(), -1)[rows]

    def _add_evidence(self, ended: StreamColumns, cards: IntArray, weights: FloatArray) -> None:
        """Add the evidence of streams on the co-clusters, relative to their expectation; unknown cards are skipped."""
        known = np.flatnonzero(cards >= 0)
        users, groups = weights[known], self._learned.card_weights_of(cards[known])
        self.engagement.add_evidence(
            ended.event_ms[known],
            users,
            groups,
            x=ended.x[known],
            expected=((users @ self._learned.blocks.mean) * groups).sum(axis=1),
        )

    def _sampled(self, settlement: Settlement, due: Due, chosen: IntArray) -> IntArray:
        """Those of the chosen due streams whose users are in the learner's sample."""
        if self._sample_share >= 1.0:
            return chosen
        text, limit, streams = settlement.book.text, self._sample_share * 2.0**64, due.streams[chosen]
        spans = zip(streams["user"].tolist(), streams["user_end"].tolist(), strict=True)
        return chosen[np.array([name_key(text_of(text, *span)) < limit for span in spans], dtype=np.bool_)]
