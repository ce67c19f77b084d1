"""Planted worlds of listeners who play, are satisfied or not, and stop: W1 to W6, with ground truth.

In each, a card seen by a listener leads to a satisfied stream, an accidental one (short), a passive one (long, without
a listener) or none. Worlds differ in whether users, cards or co-clusters determine the length of streams, and whether
long streams are good.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from processors.arrays import FloatArray, IntArray

LENGTH_MAX_S = 6 * 3_600.0
LENGTH_TYPICAL_S = 600.0


class Kind(IntEnum):
    """Result of an exposure."""

    SATISFIED = 0
    ACCIDENTAL = 1
    PASSIVE = 2
    NONE = 3


PROMINENCE, ACCIDENTAL_MAX, PLACED_MIN = 3.0, 0.35, 0.05
"""W6: log of the effect of a prominent slot, largest rate of accidental streams, least share of either slot."""

LOG_FACTOR = np.log(np.array([1.0, 0.1, 2.0]))
LOG_SD = np.array([0.6, 1.0, 0.5])


@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """Size and strengths of a world; the defaults are those of W1."""

    name: str = "W1"
    users: int = 2_000
    cards: int = 120
    user_groups: int = 6
    card_groups: int = 6
    satisfied: float = 0.05
    accidental: float = 0.12
    passive: float = 0.02
    affinity_sd: float = 0.5
    quality_sd: float = 0.35
    group_card_sd: float = 0.25
    user_card_sd: float = 0.3
    placement_confounds: bool = False


WORLDS: dict[str, WorldSettings] = {
    "W1": WorldSettings(name="W1"),
    "W2": WorldSettings(name="W2"),
    "W3": WorldSettings(name="W3"),
    "W4": WorldSettings(name="W4", affinity_sd=0.0),
    "W5": WorldSettings(name="W5"),
    "W6": WorldSettings(
        name="W6",
        satisfied=0.02,
        quality_sd=0.6,
        affinity_sd=0.6,
        accidental=0.08,
        passive=0.005,
        placement_confounds=True,
    ),
}


def world_settings(name: str, *, users: int, cards: int) -> WorldSettings:
    """The world of this name in another size; raises `ValueError` with a list of known names.

    >>> world_settings("W1", users=10, cards=5).cards
    5
    >>> world_settings("W9", users=10, cards=5)
    Traceback (most recent call last):
    ValueError: no world is named 'W9'; there are: W1, W2, W3, W4, W5, W6
    """
    if name not in WORLDS:
        raise ValueError(f"no world is named {name!r}; there are: {', '.join(WORLDS)}")
    return replace(WORLDS[name], users=users, cards=cards)


class SatisfactionWorld:
    """One world, drawn from its own seed; `play` draws from the given generator.

    >>> world = SatisfactionWorld(world_settings("W1", users=50, cards=20), world_seed=1)
    >>> kind, seconds = world.play(np.zeros(1_000, dtype=int), np.ones(1_000, dtype=int), np.random.default_rng(2))
    >>> bool(((kind == Kind.NONE) == (seconds == 0.0)).all())
    True
    """

    def __init__(self, settings: WorldSettings, world_seed: int) -> None:
        self.settings = settings
        rng = np.random.default_rng(np.random.SeedSequence(world_seed, spawn_key=(0x5A71,)))
        size = (settings.user_groups, settings.card_groups)
        self.user_group: IntArray = rng.integers(size[0], size=settings.users)
        self.card_group: IntArray = rng.integers(size[1], size=settings.cards)
        affinity = settings.affinity_sd * rng.standard_normal(size)
        self.log_mean: FloatArray = np.log(LENGTH_TYPICAL_S) + _length_term(settings.name, affinity, rng)
        quality = settings.quality_sd * rng.standard_normal(settings.cards)
        group_card = settings.group_card_sd * rng.standard_normal((size[0], settings.cards))
        user_card = settings.user_card_sd * rng.standard_normal((settings.users, settings.cards))
        taste = affinity[:, self.card_group] + quality[None, :] + group_card
        self.satisfied: FloatArray = np.minimum(
            0.6, settings.satisfied * np.exp(taste[self.user_group] + user_card)
        )  # [users, cards]
        self.accidental: FloatArray = np.minimum(
            0.3, settings.accidental * np.exp(0.3 * rng.standard_normal(settings.cards) - 0.045)
        )
        self.passive: FloatArray = settings.passive * np.exp(0.4 * _standardised(self.log_mean.mean(axis=0)))
        self.placement: FloatArray = rng.beta(0.6, 0.6, settings.cards)

    def accidental_of(self, *, as_logged: bool) -> FloatArray:
        """Probability [cards] of an accidental stream; in W6's past, it followed where cards were placed."""
        if not (as_logged and self.settings.placement_confounds):
            return self.accidental
        lift = np.exp(PROMINENCE * (2.0 * self.placement - 1.0))
        return np.asarray(np.minimum(ACCIDENTAL_MAX, self.accidental * lift / lift.mean()), dtype=np.float64)

    def place(self, cards: IntArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
        """A slot for each exposure [n], 0 (prominent) or 1, and its probability: some cards are mostly prominent."""
        share = np.clip(self.placement, PLACED_MIN, 1.0 - PLACED_MIN)[cards]
        slot = (rng.random(len(cards)) >= share).astype(np.int64)
        return slot, np.where(slot == 0, share, 1.0 - share)

    def accidental_in(self, cards: IntArray, slot: IntArray) -> FloatArray:
        """Probability [n] of an accidental stream by slot: W6's confounding, if the log tells the slot.

        Its mean over the cards' placements is that without it, as far as it is below the bound.
        """
        share = np.clip(self.placement, PLACED_MIN, 1.0 - PLACED_MIN)
        lift = np.exp(PROMINENCE * np.array([1.0, -1.0]))
        mean = (share * lift[0] + (1.0 - share) * lift[1]).mean()
        return np.asarray(np.minimum(ACCIDENTAL_MAX, self.accidental[cards] * lift[slot] / mean), dtype=np.float64)

    def play(
        self,
        users: IntArray,
        cards: IntArray,
        rng: np.random.Generator,
        *,
        as_logged: bool = False,
        slot: IntArray | None = None,
    ) -> tuple[IntArray, FloatArray]:
        """Results of exposures of cards to users [n], and streamed seconds (0 without a stream).

        With slots from `place`, accidental streams follow these.
        """
        group, card_group = self.user_group[users], self.card_group[cards]
        satisfied = self.satisfied[users, cards]
        lifted = self.accidental_of(as_logged=as_logged)[cards] if slot is None else self.accidental_in(cards, slot)
        accidental = satisfied + lifted
        passive = accidental + self.passive[card_group]
        coin = rng.random(len(users))
        kind = (coin >= satisfied).astype(np.int64) + (coin >= accidental) + (coin >= passive)
        played = np.minimum(kind, Kind.PASSIVE)
        noise = rng.standard_normal(len(users))
        log_length = self.log_mean[group, card_group] + LOG_FACTOR[played] + LOG_SD[played] * noise
        seconds = np.minimum(np.exp(log_length), LENGTH_MAX_S)
        return kind, np.where(kind == Kind.NONE, 0.0, seconds)

    def shift(self, user_group: int, card_group: int, log_factor: float) -> None:
        """From now on, streams of one co-cluster last exp(log_factor) times as long: a planted drift."""
        self.log_mean = self.log_mean.copy()
        self.log_mean[user_group, card_group] += log_factor


def _length_term(name: str, affinity: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The world's addition to the log of a typical length, by co-cluster."""
    groups, card_groups = affinity.shape
    of_user, of_card = rng.standard_normal((groups, 1)), rng.standard_normal((1, card_groups))
    of_both = rng.standard_normal((groups, card_groups))
    terms = {
        "W1": 1.08 * (of_user + of_card + of_both) / np.sqrt(3.0),
        "W2": 0.9 * of_user + np.zeros_like(affinity),
        "W3": 0.9 * of_card + np.zeros_like(affinity),
        "W4": np.zeros_like(affinity),
        "W5": -0.9 * _standardised(affinity),
    }
    return np.asarray(terms["W1" if name == "W6" else name], dtype=np.float64)


def _standardised(values: FloatArray) -> FloatArray:
    spread = values.std()
    return np.asarray((values - values.mean()) / spread if spread > 0.0 else np.zeros_like(values), dtype=np.float64)
