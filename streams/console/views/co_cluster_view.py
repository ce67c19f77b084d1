"""The co-clusters: heat map, a distribution in each, what groups are like, and how generations follow each other."""

import numpy as np
from msgspec import Struct

from streams.console.console_state import ConsoleState
from streams.pictures.figures import Figure
from streams.pictures.genre_picture import genre_picture
from streams.pictures.group_words import CardGroupWords, UserGroupWords, card_groups, user_groups
from streams.pictures.heat_map_picture import Shown, chosen_reward, heat_map_picture, known_rewards
from streams.pictures.matrix_picture import matrix_picture
from streams.pictures.river_picture import river_picture


class CoClustersPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of co-clusters."""

    generation: int
    version: int
    streams: float
    shown: Shown
    reward: str
    rewards: tuple[str, ...]
    figure: Figure
    matrix: Figure
    genres: Figure | None
    user_groups: list[UserGroupWords]
    card_groups: list[CardGroupWords]
    rivers: list[Figure]
    """Of user groups and of card groups; none until one generation has followed another."""


def co_clusters_page(state: ConsoleState, *, shown: Shown, reward: str, seed: int) -> CoClustersPage | None:
    """The page; None until there are co-clusters."""
    known = state.known_groups()
    if known is None:
        return None
    model = known.model
    chosen = chosen_reward(model, reward)
    return CoClustersPage(
        generation=model.generation,
        version=model.version,
        streams=float(np.sum(model.count)),
        shown=shown,
        reward=chosen,
        rewards=known_rewards(model),
        figure=heat_map_picture(known, state.incidents.open(), shown=shown, reward=chosen, seed=seed),
        matrix=matrix_picture(known, reward=chosen),
        genres=genre_picture(known),
        user_groups=user_groups(model),
        card_groups=card_groups(known),
        rivers=_rivers(state),
    )


def _rivers(state: ConsoleState) -> list[Figure]:
    models = [model for _, model in sorted(state.generations.items())]
    rivers = (river_picture(models, "user"), river_picture(models, "card"))
    return [river for river in rivers if river is not None]
