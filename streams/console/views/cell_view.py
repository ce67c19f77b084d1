"""One co-cluster: its distribution of streaming time beside others, with every reward's threshold."""

import math

from msgspec import Struct

from streams.console.console_state import ConsoleState
from streams.pictures.distribution_picture import cell_distribution
from streams.pictures.figures import Figure
from streams.pictures.group_words import CardGroupWords, UserGroupWords, card_groups, user_groups
from streams.pictures.threshold_pictures import cell_thresholds


class CellPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of one co-cluster."""

    user_group: UserGroupWords
    card_group: CardGroupWords
    streams: float
    typical_s: float
    typical_of_all_s: float
    distribution: Figure
    thresholds: Figure


def cell_page(state: ConsoleState, user_group: int, card_group: int, *, seed: int) -> CellPage | None:
    """The page; None if the model has no such co-cluster."""
    known = state.known_groups()
    if known is None or user_group >= known.shape[0] or card_group >= known.shape[1]:
        return None
    model = known.model
    return CellPage(
        user_group=user_groups(model)[user_group],
        card_group=card_groups(known)[card_group],
        streams=model.count[user_group][card_group],
        typical_s=math.expm1(model.mean[user_group][card_group]),
        typical_of_all_s=math.expm1(model.global_mean),
        distribution=cell_distribution(known, user_group, card_group),
        thresholds=cell_thresholds(known, user_group, card_group, seed=seed),
    )
