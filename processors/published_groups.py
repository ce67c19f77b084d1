"""Published co-clusters in columns: weights of soft groups, overlaps between generations, block models."""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_model import BlockModel
from schemas.learning import CoClusters

WEIGHT_DECIMALS = 6


def softmax(logits: FloatArray) -> FloatArray:
    """Weights [n, K] of log weights; each row sums to one.

    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def rounded_weights(weights: FloatArray) -> FloatArray:
    """Round weights to six decimals, as published; the rounding error goes to the largest of each row.

    >>> rounded_weights(np.array([[1 / 3, 1 / 3, 1 / 3]])).tolist()
    [[0.333334, 0.333333, 0.333333]]
    """
    rounded = np.round(weights, WEIGHT_DECIMALS)
    largest = rounded.argmax(axis=1)
    rows = np.arange(len(rounded))
    rounded[rows, largest] = np.round(rounded[rows, largest] + 1.0 - rounded.sum(axis=1), WEIGHT_DECIMALS)
    return rounded


def block_model_of(message: CoClusters) -> BlockModel:
    """The block model of a published snapshot."""
    return BlockModel(
        generation=message.generation,
        version=message.version,
        user_prior=np.array(message.user_prior),
        card_prior=np.array(message.card_prior),
        mean=np.array(message.mean),
        variance=np.array(message.variance),
        count=np.array(message.count),
        global_mean=message.global_mean,
        global_variance=message.global_variance,
    )


def overlap_of(message: CoClusters, old_groups: int) -> FloatArray:
    """Share of each old user group in each new one [old, new]; rows sum to one.

    If there was no snapshot before, or one with another number of groups, all old groups spread by the new prior. A
    reader who missed a generation, because the topic is compacted, applies the last overlap only: numbers of groups
    change little, as each new group gets the number of the old one that it shares most with.

    >>> first = CoClusters(generation=1, version=1, event_ms=0, user_prior=(0.25, 0.75), card_prior=(1.0,),
    ...     mean=((1.0,), (2.0,)), variance=((1.0,), (1.0,)), count=((1.0,), (1.0,)), global_mean=1.5,
    ...     global_variance=1.0)
    >>> overlap_of(first, 1).tolist()
    [[0.25, 0.75]]
    """
    overlap = np.array(message.user_overlap, dtype=np.float64)
    if overlap.shape != (old_groups, len(message.user_prior)) or (overlap.sum(axis=1) <= 0.0).any():
        return np.tile(np.array(message.user_prior), (old_groups, 1))
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True), dtype=np.float64)
