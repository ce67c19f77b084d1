"""Checks rankings as they are read, keeping only violations and the newest ones, because they are many and large."""

from collections import defaultdict
from math import exp

from streams.auditing.own_messages import CardRead, RankingRead, ShelfRead
from streams.auditing.reading import LogRecord

SUM_TOLERANCE = 1e-6


class RankingWatch:
    """Violations by check, and the newest ranking number of each user.

    Numbers increase in the log of a user; an older or equal number after a newer one was written twice. A source
    `<topic>` is the offset of the user's newest event that the ranking has seen, so that record must be the user's;
    `<topic>/<partition>` is a position in a broadcast topic.
    """

    def __init__(self) -> None:
        self.count = 0
        self.number_of: dict[str, int] = {}
        self._number_under: dict[str, int] = {}
        self.user_under: dict[str, str] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self._shelves_of: dict[str, set[str]] = defaultdict(set)
        self._user_at: dict[tuple[str, int, int], str] = {}
        self._partitions_of: dict[str, set[int]] = defaultdict(set)  # of a user's events; several since topics grew

    def note_card(self, card: CardRead) -> None:
        """Add a card that may be ranked in these shelves, now or earlier."""
        self._shelves_of[card.card_id].update(card.shelves)

    def note_input(self, place: tuple[str, int, int], user_id: str) -> None:
        """Add an input that a ranking may have as its source."""
        self._user_at[place] = user_id
        self._partitions_of[user_id].add(place[1])

    def take(self, ranking: RankingRead, record: LogRecord, *, is_moved: bool = False) -> None:
        """Check one ranking; not the copy of one that was checked where it was before it moved.

        A move that was cut copies again, from older versions on; what counts is where it ends.
        """
        if is_moved and ranking.ranking_number == self._number_under.get(ranking.key):
            return
        self.count += 1
        where = f"{ranking.user_id} #{ranking.ranking_number} at {record.partition}@{record.offset}"
        if record.key != ranking.key.encode():
            self.faults["ranking_numbers_wrong"].append(f"{where} lies under key {record.key!r}")
        if ranking.ranking_number <= self._number_under.get(ranking.key, 0) and not is_moved:
            self.faults["ranking_numbers_wrong"].append(f"{where} after #{self._number_under[ranking.key]}")
        self.number_of[ranking.user_id] = self._number_under[ranking.key] = ranking.ranking_number
        self.user_under[ranking.key] = ranking.user_id
        for shelf in ranking.shelves:
            if fault := self._fault_of(shelf) or _fault_of_order(shelf):
                self.faults["ranking_propensities_wrong"].append(f"{where}, shelf {shelf.shelf_id}: {fault}")
        for source, offset in ranking.sources.items():
            if "/" not in source and not self._is_of(ranking.user_id, source, offset):
                self.faults["ranking_sources_wrong"].append(f"{where}: {source}@{offset} is not an event of this user")
        if not ranking.sources:
            self.faults["ranking_sources_wrong"].append(f"{where} names no source")

    def _is_of(self, user_id: str, topic: str, offset: int) -> bool:
        """Whether a user has an event with this offset, in a partition where her events are or were."""
        return any(self._user_at.get((topic, it, offset)) == user_id for it in self._partitions_of.get(user_id, ()))

    def withdraw(self, key: str) -> None:
        """A ranking was withdrawn because its listener was forgotten: numbers restart."""
        self._number_under.pop(key, None)
        self.user_under.pop(key, None)

    def _fault_of(self, shelf: ShelfRead) -> str | None:
        """The violation of a shelf, if any.

        A slot's propensity is the probability of its card among the candidates: above 0, at most 1, and exactly one for
        a single card.
        """
        if not 0.0 < shelf.propensity <= 1.0 + SUM_TOLERANCE:
            return f"the shelf's propensity is {shelf.propensity}"
        if not len(shelf.cards) == len(shelf.propensities) == len(shelf.scores):
            return "columns differ in length"
        if len(set(shelf.cards)) != len(shelf.cards):
            return "a card is duplicated"
        for card, propensity in zip(shelf.cards, shelf.propensities, strict=True):
            if not 0.0 < propensity <= 1.0 + SUM_TOLERANCE:
                return f"the propensity of {card} is {propensity}"
            if shelf.shelf_id not in self._shelves_of.get(card, ()):
                return f"{card} is not valid here"
        return None


def _fault_of_order(shelf: ShelfRead) -> str | None:
    """The violation of an order's propensities, if any: those of longer prefixes are not above those of shorter ones.

    Neither is one above the propensity of its last slot.
    """
    logs = shelf.order_log_propensities
    if not logs:
        return None
    if len(logs) != len(shelf.cards):
        return "columns differ in length"
    before = 0.0
    for slot, (log, propensity) in enumerate(zip(logs, shelf.propensities, strict=True)):
        if not log <= before + SUM_TOLERANCE or (propensity > 0.0 and exp(log) > propensity + SUM_TOLERANCE):
            return f"the propensity of the order up to slot {slot} is exp({log})"
        before = log
    if shelf.row_log_propensity is not None and exp(shelf.row_log_propensity) > shelf.propensity + SUM_TOLERANCE:
        return f"the propensity of the rows is exp({shelf.row_log_propensity})"
    return None
