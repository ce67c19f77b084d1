"""Simulated logs whose truth is known: two contexts, four items, a logging policy and a target."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.matching import matches

WORTH = np.array([[0.1, 0.2, 0.5, 0.3], [0.6, 0.3, 0.1, 0.4]])  # [contexts, items]
LOGGING = np.array([[0.4, 0.3, 0.1, 0.2], [0.1, 0.3, 0.4, 0.2]])
TARGET = np.array([[0.1, 0.2, 0.4, 0.3], [0.4, 0.2, 0.1, 0.3]])
UNIFORM = np.full((2, 4), 0.25)
WRONG_MODEL = np.array([[0.5, 0.5, 0.1, 0.1], [0.2, 0.5, 0.5, 0.2]])


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What is logged with, what is asked for, and what the estimators are told of it."""

    logging: FloatArray
    target: FloatArray
    model: FloatArray
    told: FloatArray  # the logging policy, as it is written into the log

    @property
    def truth(self) -> float:
        """The target's value; both contexts are as likely."""
        return float((self.target * WORTH).sum() / 2)


def policies(
    logging: FloatArray = LOGGING,
    target: FloatArray = TARGET,
    model: FloatArray = WORTH,
    told: FloatArray | None = None,
) -> Policies:
    return Policies(logging=logging, target=target, model=model, told=logging if told is None else told)


def simulated(asked: Policies, count: int, seed: int) -> Exposures:
    """A log of so many records."""
    rng = np.random.default_rng(seed)
    context = rng.integers(2, size=count)
    item = (rng.random(count)[:, None] > np.cumsum(asked.logging, axis=1)[context]).sum(axis=1)
    rewards = (rng.random(count) < WORTH[context, item]).astype(float)
    propensities = asked.told[context, item]
    return Exposures(
        weights=asked.target[context, item] / propensities,
        rewards=rewards,
        predicted=asked.model[context, item],
        expected=(asked.target * asked.model).sum(axis=1)[context],
        matched=matches(item, context, asked.target, seed),
        propensities=propensities,
    )
