"""Makes the pages of one surface, each by the variants of its listener."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from processors.experiments.definitions import Definitions
from processors.experiments.overriding import overridden
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.play_columns import PlayColumns
from processors.ranking.ranked_pages import RankedPages
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from schemas.experiments import Overrides, assignments_of

_MAKERS_MAX = 256
_NOTHING = Overrides()


class VariantPages:
    """A page maker for one surface. Pages are independent of each other, so they are the same in any grouping.

    Listeners whose variants do not change the ranking are ranked in one call, as if there were no experiments.
    """

    def __init__(self, settings: RankingSettings, definitions: Definitions) -> None:
        self._settings, self._definitions = settings, definitions
        self._makers: dict[tuple[Overrides, ...], PageMaker] = {(): PageMaker.of(settings)}

    def pages(
        self,
        learned: Learned,
        requests: Sequence[RankingRequest],
        plays: PlayColumns,
        all_pages: tuple[Overrides, ...] = (),
    ) -> Iterator[RankedPages]:
        """The pages of these requests, in columns, with the assignments that they were made with.

        `all_pages` differ in this from the settings, where their variants do not say otherwise.
        """
        if not self._definitions:
            made = self._maker(all_pages).pages(learned, requests, plays)
            if made is not None:
                yield made
            return
        assignments, alike = self._by_variant(requests)
        for several, numbers in alike.items():
            own = [requests[number] for number in numbers]
            made = self._maker((*several, *all_pages)).pages(learned, own, plays.of_listeners(np.array(numbers)))
            if made is not None:
                yield replace(made, assignments=[assignments[number] for number in numbers])

    def _by_variant(
        self, requests: Sequence[RankingRequest]
    ) -> tuple[list[str], dict[tuple[Overrides, ...], list[int]]]:
        """The assignments of each request, and the requests that are ranked alike."""
        assignments: list[str] = []
        alike: dict[tuple[Overrides, ...], list[int]] = {}
        schedule, surface = self._definitions.schedule, self._settings.surface
        for number, request in enumerate(requests):
            arms = schedule.plan(surface, request.event_ms).arms_of(request.user_id)
            assignments.append(assignments_of({arm.experiment: arm.variant for arm in arms}))
            changing = tuple(arm.overrides for arm in arms if arm.overrides != _NOTHING)
            alike.setdefault(changing, []).append(number)
        return assignments, alike

    def _maker(self, several: tuple[Overrides, ...]) -> PageMaker:
        if several not in self._makers:
            if len(self._makers) >= _MAKERS_MAX:
                self._makers = {(): self._makers[()]}
            self._makers[several] = PageMaker.of(overridden(self._settings, several))
        return self._makers[several]
