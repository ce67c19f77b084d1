"""Planted block worlds: users and cards in known groups, streamed seconds drawn from their block's Normal.

Every random stream is spawned from the world's seed under a name that no learner uses, so that a fit with the same
seed does not reproduce the truth by accident.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SPAWN_KEY = 0x776F726C64  # "world"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockWorld:
    """Parameters of a world. Block means are N(mean_log, spread_sd), observations have `noise_sd` around them."""

    users: int
    cards: int
    user_groups: int
    card_groups: int
    streams_per_user: float = 10.0
    noise_sd: float = 1.0
    spread_sd: float = 1.0
    mean_log: float = 6.0
    card_zipf: float = 0.0  # popularity of the card of rank r ~ (r + 10)^-zipf; 0: all alike
    user_gamma_shape: float = 0.0  # activity of users ~ Gamma(shape); 0: all alike
    interval_ms: int = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockHistory:
    """Interactions in order of event time, and their ground truth."""

    user: NDArray[np.int64]
    card: NDArray[np.int64]
    seconds: NDArray[np.float64]
    event_ms: NDArray[np.int64]
    user_group: NDArray[np.int64]
    card_group: NDArray[np.int64]
    block_mean: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of interactions."""
        return len(self.user)


WORLDS = {
    "a": BlockWorld(users=8_000, cards=9_000, user_groups=6, card_groups=6, noise_sd=1.0),
    "b": BlockWorld(users=8_000, cards=9_000, user_groups=6, card_groups=6, noise_sd=0.5),
    "c": BlockWorld(users=8_000, cards=9_000, user_groups=7, card_groups=13, noise_sd=0.5),
    "d": BlockWorld(
        users=80_000,
        cards=90_000,
        user_groups=7,
        card_groups=13,
        noise_sd=0.5,
        card_zipf=0.9,
        user_gamma_shape=1.0,
    ),
    "null": BlockWorld(users=4_000, cards=4_500, user_groups=1, card_groups=1, noise_sd=1.4, spread_sd=0.0),
}


def scaled(world: BlockWorld, factor: float) -> BlockWorld:
    """The same world with fewer or more users and cards."""
    return replace(world, users=int(world.users * factor), cards=int(world.cards * factor))


def generate(world: BlockWorld, world_seed: int) -> BlockHistory:
    """Draw a history: which card is streamed is independent of the groups, the duration is not.

    >>> history = generate(BlockWorld(users=50, cards=20, user_groups=2, card_groups=2), world_seed=1)
    >>> len(history), history.block_mean.shape
    (500, (2, 2))
    """
    rng = np.random.default_rng(np.random.SeedSequence(world_seed, spawn_key=(SPAWN_KEY,)))
    events = round(world.users * world.streams_per_user)
    user_group = rng.integers(world.user_groups, size=world.users)
    card_group = rng.integers(world.card_groups, size=world.cards)
    block_mean = world.mean_log + world.spread_sd * rng.standard_normal((world.user_groups, world.card_groups))
    user = _draw(rng, _activity(rng, world), events)
    card = _draw(rng, _popularity(rng, world), events)
    x = block_mean[user_group[user], card_group[card]] + world.noise_sd * rng.standard_normal(events)
    return BlockHistory(
        user=user,
        card=card,
        seconds=np.expm1(np.maximum(x, 0.0)),
        event_ms=np.arange(events, dtype=np.int64) * world.interval_ms,
        user_group=user_group,
        card_group=card_group,
        block_mean=block_mean,
    )


def _activity(rng: np.random.Generator, world: BlockWorld) -> NDArray[np.float64]:
    if world.user_gamma_shape == 0.0:
        return np.ones(world.users)
    return rng.gamma(world.user_gamma_shape, size=world.users)


def _popularity(rng: np.random.Generator, world: BlockWorld) -> NDArray[np.float64]:
    popularity: NDArray[np.float64] = rng.permutation((np.arange(world.cards) + 10.0) ** -world.card_zipf)
    return popularity


def _draw(rng: np.random.Generator, weight: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    cumulative = np.cumsum(weight)
    drawn: NDArray[np.int64] = np.searchsorted(cumulative, rng.random(n) * cumulative[-1]).astype(np.int64)
    return drawn
