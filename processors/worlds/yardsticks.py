"""True values of showing a card to a listener in a planted world, by each measure, in closed form."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from processors.arrays import FloatArray
from processors.worlds.satisfaction import LENGTH_MAX_S, LOG_FACTOR, LOG_SD, Kind, SatisfactionWorld

YARDSTICK_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Yardsticks:
    """Expectations [users, cards] for one exposure, in the present world (not in its logged past)."""

    y30: FloatArray  # probability of a stream of 30 s or more
    ysat: FloatArray  # probability of a satisfied stream
    time_s: FloatArray  # streamed seconds


def yardsticks(world: SatisfactionWorld) -> Yardsticks:
    """Closed forms: log seconds are Normal given how an exposure ends; lengths are cut at six hours.

    >>> from processors.worlds.satisfaction import world_settings
    >>> world = SatisfactionWorld(world_settings("W1", users=40, cards=20), world_seed=1)
    >>> users, cards = (side.ravel() for side in np.indices((40, 20)).repeat(200, axis=2))
    >>> _, seconds = world.play(users, cards, np.random.default_rng(2))
    >>> truth = yardsticks(world)
    >>> bool(abs((seconds >= 30.0).mean() - truth.y30.mean()) < 0.004)
    True
    >>> bool(abs(seconds.mean() / truth.time_s.mean() - 1.0) < 0.05)
    True
    """
    satisfied = world.satisfied
    accidental = np.minimum(world.accidental[None, :], 1.0 - satisfied)
    passive = np.minimum(world.passive[world.card_group][None, :], 1.0 - satisfied - accidental)
    base = world.log_mean[world.user_group][:, world.card_group]
    y30, time_s = np.zeros_like(satisfied), np.zeros_like(satisfied)
    for kind, share in ((Kind.SATISFIED, satisfied), (Kind.ACCIDENTAL, accidental), (Kind.PASSIVE, passive)):
        mean, sd = base + LOG_FACTOR[kind], LOG_SD[kind]
        y30 += share * ndtr((mean - np.log(YARDSTICK_S)) / sd)
        time_s += share * _mean_until(mean, sd, LENGTH_MAX_S)
    return Yardsticks(y30=y30, ysat=satisfied, time_s=time_s)


def _mean_until(mean: FloatArray, sd: float, cap_s: float) -> FloatArray:
    """E min(exp(mean + sd z), cap)."""
    at = (np.log(cap_s) - mean) / sd
    return np.asarray(np.exp(mean + sd * sd / 2.0) * ndtr(at - sd) + cap_s * ndtr(-at), dtype=np.float64)
