"""Compares the propensities of outcomes with those of their impressions, and those with the rankings that were shown.

Only violations are kept. Impressions are read before outcomes, and these before rankings.
"""

from collections import defaultdict
from collections.abc import Iterator

from streams.auditing.own_messages import ImpressionRead, RankingRead, ShelfRead, ShelfSeen
from streams.auditing.own_outcomes import CorrectionRead, OutcomesRead

TOLERANCE = 1e-9
Logged = tuple[float | None, ...]
NAMES = ("propensity", "row_propensity", "order_log_propensity", "row_log_propensity")


class PropensityWatch:
    """Violations by check, and the impressions of each ranking.

    A client that shows another order than the ranking's is not compared from there on, and neither is what a message
    does not tell, because it is of an earlier version.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = defaultdict(list)
        self._shown: dict[tuple[str, str], ImpressionRead] = {}
        self._of_ranking: dict[tuple[str, str, int], list[ImpressionRead]] = defaultdict(list)

    def note(self, impression: ImpressionRead) -> None:
        """Add an impression, the first of its name."""
        self._shown[impression.user_id, impression.event_id] = impression
        if impression.ranking_number is not None:
            key = impression.user_id, impression.surface, impression.ranking_number
            self._of_ranking[key].append(impression)

    def take(self, message: CorrectionRead | OutcomesRead) -> None:
        """Compare the outcomes of a record with their impressions."""
        for user_id, impression_id, row, slot, told in _told(message):
            shown = self._shown.get((user_id, impression_id))
            if shown is None or row >= len(shown.shelves) or slot >= len(shown.shelves[row].cards):
                continue  # found by other checks
            for name, said, logged in zip(NAMES, told, _logged(shown.shelves[row], slot), strict=True):
                if said is not None and said != logged:
                    where = f"{user_id} {impression_id} row {row} slot {slot}"
                    self.faults["propensities_not_kept"].append(f"{where}: {name} is {said}, and was {logged}")

    def take_ranking(self, ranking: RankingRead) -> None:
        """Compare a ranking with the impressions that were made from it."""
        for shown in self._of_ranking.get((ranking.user_id, ranking.surface, ranking.ranking_number), ()):
            where = f"{ranking.user_id} {shown.event_id} from ranking #{ranking.ranking_number}"
            for row, (shelf, ranked) in enumerate(zip(shown.shelves, ranking.shelves, strict=False)):
                if shelf.shelf_id != ranked.shelf_id:
                    break
                for slot, name, said, logged in _differing(shelf, ranked):
                    case = f"{where}, row {row} slot {slot}: {name} is {said}, the ranking's is {logged}"
                    self.faults["propensities_not_of_ranking"].append(case)


def _logged(shelf: ShelfSeen, slot: int) -> Logged:
    """What an impression tells of a slot, in the order of `NAMES`."""
    logs = shelf.order_log_propensities
    return shelf.propensities[slot], shelf.propensity, logs[slot] if logs else None, shelf.row_log_propensity


def _told(message: CorrectionRead | OutcomesRead) -> Iterator[tuple[str, str, int, int, Logged]]:
    """What each outcome of a record tells, None where it tells nothing."""
    if isinstance(message, CorrectionRead):
        told = message.propensity, message.row_propensity, None, None
        yield message.user_id, message.impression_id, message.row, message.slot, told
        return
    count = len(message.row)
    columns = [list(getattr(message, name)) or [None] * count for name in NAMES]
    whose = zip(message.user_id, message.impression_id, message.row, message.slot, strict=True)
    for (user_id, impression_id, row, slot), *logged in zip(whose, *columns, strict=True):
        yield user_id, impression_id, row, slot, tuple(logged)


def _differing(shelf: ShelfSeen, ranked: ShelfRead) -> Iterator[tuple[int, str, float, float]]:
    """The values of a shelf as it was shown that are not those of the ranking: slot, name, both values."""
    if not ranked.order_log_propensities or not shelf.order_log_propensities:
        return
    by_row: tuple[tuple[str, float, float], ...] = (("propensity", shelf.propensity, ranked.propensity),)
    if shelf.row_log_propensity is not None and ranked.row_log_propensity is not None:
        by_row += (("row_log_propensity", shelf.row_log_propensity, ranked.row_log_propensity),)
    yield from ((0, name, said, logged) for name, said, logged in by_row if abs(said - logged) > TOLERANCE)
    for slot, (card, expected) in enumerate(zip(shelf.cards, ranked.cards, strict=False)):
        if card != expected:
            return
        for name in ("propensities", "order_log_propensities"):
            said, logged = getattr(shelf, name)[slot], getattr(ranked, name)[slot]
            if abs(said - logged) > TOLERANCE:
                yield slot, name, said, logged
