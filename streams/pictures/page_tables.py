"""A listener's page as text: shelves and cards with scores, propensities and reasons."""

from collections.abc import Mapping

from schemas.rankings import RankedShelf
from streams.pictures import words
from streams.pictures.figures import Table
from streams.pictures.printed_table import print_line, print_table
from streams.pictures.ranking_words import SOURCES, by_score, reason_in_words
from streams.subscribers.ranking_table import Found

LEAST_WEIGHT = 0.005


def print_page(found: Found, titles: Mapping[str, str]) -> None:
    """Print a ranking; a card without a title is named by its id."""
    ranking = found.ranking
    print_line(
        f"{ranking.user_id}: {SOURCES[found.source]}, number {ranking.ranking_number}, by {ranking.reward_version} and "
        f"{ranking.policy_version}, model {ranking.model_version}"
    )
    weights = sorted(enumerate(ranking.user_weights), key=lambda one: -one[1])
    groups = [f"{words.share(weight)} user group {g}" for g, weight in weights if weight >= LEAST_WEIGHT]
    if groups:
        print_line(f"soft groups: {', '.join(groups)}")
    for row, shelf in enumerate(ranking.shelves, start=1):
        print_table(_shelf(row, shelf, titles))


def _shelf(row: int, shelf: RankedShelf, titles: Mapping[str, str]) -> Table:
    explored = ", explored" if "exploration" in shelf.reasons else ""
    return Table(
        caption=f"{row}. {shelf.shelf_id}: score {shelf.score:.3f}, in this row with probability "
        f"{words.share(shelf.propensity)}{explored}",
        columns=("slot", "card", "score", "by score", "propensity", "because", "and"),
        rows=tuple(
            (
                str(slot + 1),
                titles.get(card_id, card_id),
                f"{shelf.scores[slot]:.3f}",
                words.ordinal(place),
                words.share(shelf.propensities[slot]),
                reason_in_words(shelf.reasons[slot], shelf.reason_values[slot]),
                reason_in_words(shelf.second_reasons[slot], shelf.second_values[slot]),
            )
            for slot, (card_id, place) in enumerate(zip(shelf.cards, by_score(shelf), strict=True))
        ),
        numeric=False,
    )
