"""A planted experiment: listeners who come again and again, with tastes of their own, and what a look at it says."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.metrics.listener_ratios import Arm, Difference, difference_of

EXPOSURES = 6


class Planted(NamedTuple):
    """How listeners behave: the sd of their tastes, how likely they come on a day, and what the treatment adds."""

    listeners: int = 600
    days: int = 30
    comes: float = 0.4
    rate: float = 0.2
    taste_sd: float = 0.08
    effect: float = 0.0
    days_before: int = 0


def differences(planted: Planted, seed: int, alpha: float = 0.05) -> list[Difference | None]:
    """The difference at the end of each day, listeners assigned by a coin; days before the test adjust it."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0xE59,)))
    arm = rng.integers(2, size=planted.listeners)
    taste = np.clip(planted.rate + planted.taste_sd * rng.standard_normal(planted.listeners), 0.01, 0.9)
    habit = np.clip(planted.comes * rng.gamma(2.0, 0.5, planted.listeners), 0.0, 1.0)
    before, _ = _days(planted.days_before, taste, habit, rng)
    rate = np.clip(taste + planted.effect * arm, 0.0, 1.0)
    after, came = _days(planted.days, rate, habit, rng)
    sums = np.cumsum(after, axis=0)
    clock = np.cumsum(came, axis=0)
    prior = before.sum(axis=0) if planted.days_before else np.zeros((planted.listeners, 2))
    found: list[Difference | None] = []
    for top, days in zip(sums, clock, strict=True):
        seen = days > 0  # exposed by now
        arms = [Arm(top[own, 0], top[own, 1], prior[own]) for own in (seen & (arm == side) for side in (0, 1))]
        found.append(difference_of(*arms, clock=int(days.sum()), alpha=alpha))
    return found


def _days(days: int, rate: FloatArray, habit: FloatArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Streamed exposures and exposures [days, n, 2], and who came [days, n]."""
    came = (rng.random((days, len(rate))) < habit).astype(np.int64)
    shown = EXPOSURES * came
    return np.stack([rng.binomial(shown, rate), shown], axis=2), came


def is_sure(found: Difference | None) -> bool:
    return found is not None and (found.low > 0.0 or found.high < 0.0)
