"""What a fit says about interactions that it has not seen: their log-likelihood and squared errors."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.soft_groups import Interactions, SoftGroups

CHUNK = 65_536


class Prediction(NamedTuple):
    """Per held-out interaction."""

    log_likelihood: FloatArray
    squared_error: FloatArray


def predict_held_out(groups: SoftGroups, user: IntArray, card: IntArray, x: FloatArray) -> Prediction:
    """Score interactions under the mixture of blocks that both nodes' soft groups imply."""
    blocks = groups.parameters
    log_likelihood, squared_error = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        weight = groups.user[user[part], :, None] * groups.card[card[part], None, :]
        z = (x[part, None, None] - blocks.mean) ** 2 / blocks.variance
        density = np.exp(-0.5 * z) / np.sqrt(2 * np.pi * blocks.variance)
        log_likelihood[part] = np.log(np.einsum("egk,egk->e", weight, density) + 1e-12)
        squared_error[part] = (x[part] - np.einsum("egk,gk->e", weight, blocks.mean)) ** 2
    return Prediction(log_likelihood, squared_error)


def subset(data: Interactions, keep: IntArray) -> Interactions:
    """Keep some interactions; users and cards keep their numbers."""
    return Interactions(data.user[keep], data.card[keep], data.x[keep], data.users, data.cards)
