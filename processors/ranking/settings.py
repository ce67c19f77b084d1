"""How pages are made."""

from msgspec import Struct


class RankingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page shows and how it is chosen.

    `own_weight` is by how much a listener's own successful streams of a card raise its score (and failures lower it),
    as a share of the score. `shelf_attention` says how attention falls from slot to slot, slot j being worth
    (j + 1) ** -shelf_attention.
    """

    policy: str = "epsilon-greedy"
    epsilon: float = 0.1
    reward: str = "mean"
    seed: int = 0
    surface: str = "home"
    slots_max: int = 10
    shelves_max: int = 20
    own_weight: float = 0.5
    shelf_attention: float = 0.7
