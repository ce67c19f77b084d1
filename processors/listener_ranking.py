"""Ranks the listeners of a partition who wait for a page: when, from which plays, and by which inputs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from processors.arrays import IntArray
from processors.drift.open_incidents import OpenIncidents
from processors.experiments.definitions import Definitions
from processors.experiments.variant_pages import VariantPages
from processors.listeners_settings import ListenersSettings
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.ranking.ranked_pages import RankedPages
from processors.ranking.ranking_request import RankingRequest
from processors.settlement.book.names import text_of
from processors.settlement.output.waiting import Waiting
from processors.settlement.settlement import Settlement
from schemas.experiments import Overrides

ABREAST_MS = 1_000
"""Records are often this old while more are on their way: waiting for these would only make the pages later."""


class ListenerRanking:
    """Rankings of one partition, for each surface of the settings, by the variants of these experiments."""

    def __init__(self, settings: ListenersSettings, learned: Learned, definitions: Definitions) -> None:
        self._settings, self._learned = settings, learned
        self._makers = [VariantPages(ranking, definitions) for ranking in settings.ranking.by_surface()]
        self._looked_up: tuple[list[str], int, int, IntArray] = ([], 0, 0, np.empty(0, dtype=np.int64))
        self.incidents = OpenIncidents()
        self._wall_ms = self._ranked_ms = self._pause_ms = 0

    def tick(self, wall_ms: int, lag_ms: int) -> None:
        """Pass on the wall clock; while the records read are `lag_ms` old, listeners are ranked in larger steps."""
        behind_ms = max(0, lag_ms - ABREAST_MS)
        self._wall_ms, self._pause_ms = wall_ms, min(behind_ms // 2, self._settings.catching_up_ms)

    def surfaces(self, settlement: Settlement) -> list[str]:
        """The surfaces for which listeners are ranked, or were under earlier settings: rankings may still exist."""
        return sorted(settlement.surfaces.union(own.surface for own in self._settings.ranking.by_surface()))

    def rows_of_cards(self, settlement: Settlement) -> IntArray:
        """The catalogue row [n] of each card by its number in settlement; looked up again if cards are new."""
        names, known = settlement.card_names(), len(self._learned.catalogue.names)
        looked_up, count, catalogue, rows = self._looked_up
        if looked_up is not names or (count, catalogue) != (len(names), known):
            rows = self._learned.rows_of(names)
            self._looked_up = names, len(names), known, rows
        return rows

    def due_pages(self, settlement: Settlement, positions: Mapping[str, int]) -> Iterator[RankedPages]:
        """Pages of those who wait; `positions` are the offsets of the broadcast topics read so far."""
        if self._wall_ms - self._ranked_ms < self._pause_ms:
            return
        self._ranked_ms = self._wall_ms
        waiting = settlement.waiting()
        requests = _requests(settlement, waiting, positions)
        plays = PlayColumns(
            waiting.offsets, self.rows_of_cards(settlement)[waiting.plays["card"]], waiting.plays["played_ms"] / 1_000.0
        )
        settlement.surfaces.update(self.surfaces(settlement))
        for maker in self._makers:
            yield from maker.pages(self._learned, requests, plays, self._while_drifting())

    def _while_drifting(self) -> tuple[Overrides, ...]:
        """How all pages differ from the settings at present."""
        epsilon = self._settings.ranking.drift_epsilon
        return (Overrides(epsilon=epsilon),) if epsilon is not None and self.incidents.severe_since_ms else ()


def _requests(settlement: Settlement, waiting: Waiting, positions: Mapping[str, int]) -> Sequence[RankingRequest]:
    book = settlement.book
    chosen = book.listeners[waiting.place]
    columns = ("start", "end", "event_count", "newest_ms", "impressions_offset", "stream_ends_offset")
    requests = []
    for start, end, count, newest_ms, shown, ended in zip(*(chosen[name].tolist() for name in columns), strict=True):
        sources = {**positions}
        if shown >= 0:
            sources["impressions"] = shown
        if ended >= 0:
            sources["stream-ends"] = ended
        requests.append(
            RankingRequest(
                user_id=text_of(book.text, start, end),
                ranking_number=count,
                event_ms=newest_ms,
                sources=dict(sorted(sources.items())),
            )
        )
    return requests
