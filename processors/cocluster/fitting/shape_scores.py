"""Scores of a model on held-out interactions, and the part that is due to knowing groups."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.fitting.held_out import Prediction

SIDE_ERRORS = 2.0  # standard errors by which knowing the groups of a side must gain
GAIN_MIN = 0.0005  # nats per interaction below which a gain is ignored, however certain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """A model on the held-out interactions of all folds; plain biases have no groups."""

    name: str
    groups: tuple[int, int]
    prediction: Prediction

    @property
    def log_likelihood(self) -> FloatArray:
        """Of each held-out interaction, in nats."""
        return self.prediction.log_likelihood

    @property
    def squared_error(self) -> FloatArray:
        """Of x, of each held-out interaction."""
        return self.prediction.squared_error

    @property
    def net(self) -> FloatArray:
        """Of each held-out interaction: the gain from knowing groups."""
        return self.log_likelihood - self.prediction.marginal

    @property
    def mean_log_likelihood(self) -> float:
        """Nats per interaction."""
        return float(self.log_likelihood.mean())

    @property
    def rmse(self) -> float:
        """Root mean squared error of x = log1p(seconds)."""
        return float(np.sqrt(self.squared_error.mean()))

    def gain_over(self, other: "Score") -> tuple[float, float]:
        """Nats per interaction by which this is better, and their standard error (paired)."""
        return mean_and_error(self.log_likelihood - other.log_likelihood)

    def null_over(self, other: "Score") -> float:
        """Gain over a model with groups on fewer sides if groups on the other sides are unknown."""
        users, cards = (size > 1 for size in other.groups)
        known = self.prediction.users_alone if users else self.prediction.cards_alone if cards else None
        return float(((self.prediction.marginal if known is None else known) - other.log_likelihood).mean())

    def net_over(self, other: "Score") -> tuple[float, float]:
        """Difference of the gains from knowing groups, in nats per interaction, and its standard error."""
        return mean_and_error(self.net - other.net)

    @property
    def is_supported(self) -> bool:
        """Whether knowing groups gains on each side that has any, given the other side."""
        alone = (self.prediction.cards_alone, self.prediction.users_alone)
        sides = [other for other, size in zip(alone, self.groups, strict=True) if size > 1]
        return all(exceeds_doubt(self.log_likelihood - other, GAIN_MIN) for other in sides)


def mean_and_error(difference: FloatArray) -> tuple[float, float]:
    """Mean of differences and its standard error."""
    return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))


def exceeds_doubt(difference: FloatArray, least: float) -> bool:
    """Whether the mean of differences is above `least` and above two standard errors.

    >>> exceeds_doubt(np.array([0.1, 0.2, 0.15, 0.1]), 0.05), exceeds_doubt(np.array([0.9, -0.4, 0.3, -0.6]), 0.0)
    (True, False)
    """
    mean, error = mean_and_error(difference)
    return mean > max(SIDE_ERRORS * error, least)
