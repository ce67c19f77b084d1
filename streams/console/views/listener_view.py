"""The page that a listener would be shown now, with scores, propensities and reasons in words."""

from msgspec import Struct
from msgspec.structs import replace

from schemas.rankings import HOME, RankedShelf
from streams.console.console_state import ConsoleState
from streams.console.views.history_view import ListenerHistory, listener_history
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of
from streams.pictures.known_groups import user_group_name
from streams.pictures.ranking_words import SOURCES, by_score, reason_in_words
from streams.subscribers.ranking_table import Found

SUGGESTED = 50
LEAST_WEIGHT = 0.005


class ShownCard(Struct, frozen=True, kw_only=True):
    """One card in its slot."""

    card_id: str
    title: str
    genres: str
    score: float
    propensity: float
    by_score: int
    """Its place if the shelf were in the order of the scores, that is, without exploration."""
    reasons: tuple[str, ...]


class ShownShelf(Struct, frozen=True, kw_only=True):
    """One shelf in its row."""

    shelf_id: str
    score: float
    propensity: float
    is_explored: bool
    row_by_score: int
    """Its row if the shelves were in the order of their scores."""
    unexplored: tuple[str, ...]
    """Titles in the order of the scores, that is, what epsilon 0 would show."""
    cards: list[ShownCard]


class ListenerPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of a listener; without `found` it asks whom to show."""

    asked: str
    surface: str
    surfaces: tuple[str, ...]
    suggested: list[str]
    known: int
    evicted: int
    found: Found | None = None
    is_own: bool = False
    source: str = ""
    groups: Figure | None = None
    shelves: list[ShownShelf] = []
    history: ListenerHistory | None = None
    history_is_read: bool = False


def listener_page(state: ConsoleState, *, user_id: str, surface: str = HOME) -> ListenerPage:
    """The page of a listener; stand-ins are those that subscribers would show."""
    surfaces = tuple(state.rankings)
    chosen = surface if surface in surfaces else surfaces[0]
    table = state.rankings[chosen]
    page = ListenerPage(
        asked=user_id,
        surface=chosen,
        surfaces=surfaces,
        suggested=table.users()[-SUGGESTED:][::-1],
        known=len(table),
        evicted=table.counters["evicted"],
        history_is_read=state.listener_history,
    )
    found = table.get(user_id) if user_id else None
    history = listener_history(state, user_id)
    if found is None:
        return replace(page, history=history)
    weights = found.ranking.user_weights
    rows = sorted(found.ranking.shelves, key=lambda shelf: -shelf.score)
    return replace(
        page,
        history=history,
        found=found,
        is_own=found.source == "own",
        source=SOURCES[found.source],
        groups=_groups(weights) if weights else None,
        shelves=[_shelf(state, shelf, rows.index(shelf) + 1) for shelf in found.ranking.shelves],
    )


def _shelf(state: ConsoleState, shelf: RankedShelf, row_by_score: int) -> ShownShelf:
    place = by_score(shelf)
    cards = []
    for slot, card_id in enumerate(shelf.cards):
        card = state.cards.get(card_id)
        cards.append(
            ShownCard(
                card_id=card_id,
                title=state.title_of(card_id),
                genres=", ".join(card.genres) if card is not None else "",
                score=shelf.scores[slot],
                propensity=shelf.propensities[slot],
                by_score=place[slot],
                reasons=(
                    reason_in_words(shelf.reasons[slot], shelf.reason_values[slot]),
                    reason_in_words(shelf.second_reasons[slot], shelf.second_values[slot]),
                ),
            )
        )
    return ShownShelf(
        shelf_id=shelf.shelf_id,
        score=shelf.score,
        propensity=shelf.propensity,
        is_explored="exploration" in shelf.reasons,
        row_by_score=row_by_score,
        unexplored=tuple(card.title for card in sorted(cards, key=lambda card: card.by_score)),
        cards=cards,
    )


def _groups(weights: tuple[float, ...]) -> Figure:
    order = sorted(range(len(weights)), key=lambda g: -weights[g])
    shown = [g for g in order if weights[g] >= LEAST_WEIGHT]
    data: list[Spec] = [{"group": user_group_name(g), "weight": weights[g]} for g in shown]
    height_px = 26 * len(shown) + 50
    return Figure(
        name="groups",
        title="Soft user groups",
        summary="; ".join(f"{words.share(weights[g])} {user_group_name(g)}" for g in shown) + ".",
        spec=spec_of(
            data,
            height_px,
            mark={"type": "bar"},
            encoding={
                "y": {"field": "group", "type": "nominal", "sort": None, "title": None},
                "x": {"field": "weight", "type": "quantitative", "title": "share", "axis": {"format": ".0%"},
                      "scale": {"domain": [0, 1]}},
                "tooltip": [{"field": "group"}, {"field": "weight", "format": ".1%"}],
            },
        ),
        height_px=height_px,
        table=Table(
            caption="Share of each user group",
            columns=("user group", "share"),
            rows=tuple((user_group_name(g), words.share(weights[g])) for g in order),
        ),
    )  # fmt: skip
