"""Evaluates a fit on held-out interactions: log-likelihoods and squared errors.

A fit with groups on both sides is also a mixture of G x K Normals, and can therefore imitate a skewed distribution that
is independent of users and cards. What such a mixture explains by itself is what the fit explains when groups are
unknown: each interaction then gets the mean of the weights that its blocks have among the held-out interactions. If
seconds are independent of a side, they are exchangeable among the interactions of that side, and by Jensen's inequality
the mean explains them at least as well as the weights do, on average: knowing spurious groups cannot gain.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.soft_groups import Interactions, SoftGroups

CHUNK = 65_536
DENSITY_MIN = 1e-12


class Prediction(NamedTuple):
    """Per held-out interaction: log-likelihoods by which sides' groups are known, and the error when both are."""

    log_likelihood: FloatArray
    users_alone: FloatArray
    cards_alone: FloatArray
    marginal: FloatArray
    squared_error: FloatArray

    @classmethod
    def joined(cls, parts: "Sequence[Prediction]") -> "Prediction":
        """Concatenate predictions."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def predict_held_out(groups: SoftGroups, user: IntArray, card: IntArray, x: FloatArray) -> Prediction:
    """Score interactions under the mixture of blocks implied by the soft groups of both nodes."""
    blocks = groups.parameters
    among = _mean_weights(groups, user, card)
    given_user = among / among.sum(axis=1, keepdims=True)
    given_card = among / among.sum(axis=0, keepdims=True)
    found = Prediction(*(np.empty(len(x)) for _ in Prediction._fields))
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        of_user, of_card = groups.user[user[part]], groups.card[card[part]]
        z = (x[part, None, None] - blocks.mean) ** 2 / blocks.variance
        density = np.exp(-0.5 * z) / np.sqrt(2 * np.pi * blocks.variance)
        weight = of_user[:, :, None] * of_card[:, None, :]
        found.log_likelihood[part] = _log(np.einsum("egk,egk->e", weight, density))
        found.users_alone[part] = _log(np.einsum("eg,gk,egk->e", of_user, given_user, density))
        found.cards_alone[part] = _log(np.einsum("ek,gk,egk->e", of_card, given_card, density))
        found.marginal[part] = _log(np.einsum("gk,egk->e", among, density))
        found.squared_error[part] = (x[part] - np.einsum("egk,gk->e", weight, blocks.mean)) ** 2
    return found


def _mean_weights(groups: SoftGroups, user: IntArray, card: IntArray) -> FloatArray:
    """Mean weight [G, K] of each block over interactions; none is zero, so that they can be divisors."""
    total = np.full((groups.user.shape[1], groups.card.shape[1]), DENSITY_MIN)
    for start in range(0, len(user), CHUNK):
        part = slice(start, start + CHUNK)
        total += groups.user[user[part]].T @ groups.card[card[part]]
    mean: FloatArray = total / total.sum()
    return mean


def _log(density: FloatArray) -> FloatArray:
    log_likelihood: FloatArray = np.log(density + DENSITY_MIN)
    return log_likelihood


def subset(data: Interactions, keep: IntArray) -> Interactions:
    """Keep some interactions; users and cards keep their numbers."""
    return Interactions(data.user[keep], data.card[keep], data.x[keep], data.users, data.cards)
