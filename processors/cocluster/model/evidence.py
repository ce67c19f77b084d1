"""Evidence of observed streams on the groups of one side, given soft groups of the other."""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.density_table import BINS, DensityTable
from processors.compiled import compiled

_SMALL, _LARGE = 1e-150, 1e150
"""Outside this range a product of densities is moved to the sum of logarithms; one more factor cannot overflow it."""


@compiled
def edge_evidence(offsets: IntArray, weight: FloatArray, x: FloatArray, table: DensityTable) -> FloatArray:
    """Sum over each node's edges of log sum_k weight[e, k] density(x_e; g, k): float64 [n, G].

    Node i has the edges offsets[i] to offsets[i + 1]. One logarithm is taken of a product of many densities.
    """
    density = table.density
    groups, others = density.shape[1], density.shape[2]
    out = np.zeros((len(offsets) - 1, groups))
    product = np.empty(groups)
    for node in range(len(offsets) - 1):
        for g in range(groups):
            product[g] = 1.0
        for edge in range(offsets[node], offsets[node + 1]):
            b = min(max(int((x[edge] - table.low) * table.bins_per_unit), 0), BINS - 1)
            for g in range(groups):
                total = 0.0
                for k in range(others):
                    total += weight[edge, k] * density[b, g, k]
                product[g] *= total
                if product[g] < _SMALL or product[g] > _LARGE:
                    out[node, g] += np.log(product[g])
                    product[g] = 1.0
        for g in range(groups):
            out[node, g] += np.log(product[g])
    return out


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities along the last axis.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probability: FloatArray = e / e.sum(axis=-1, keepdims=True)
    return probability


def log_softmax(logits: FloatArray) -> FloatArray:
    """Log probabilities along the last axis."""
    top = logits.max(axis=-1, keepdims=True)
    log_probability: FloatArray = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
    return log_probability


def fold_in(offsets: IntArray, weight: FloatArray, x: FloatArray, prior: FloatArray, table: DensityTable) -> FloatArray:
    """Soft groups [n, G] of nodes from their edges: the prior times the evidence; without edges, the prior.

    `weight` [edges, K] are the soft groups of the nodes at the other end.
    """
    evidence = edge_evidence(
        np.ascontiguousarray(offsets, dtype=np.int64),
        np.ascontiguousarray(weight, dtype=np.float32),
        np.ascontiguousarray(x, dtype=np.float32),
        table,
    )
    return softmax(evidence + np.log(prior))
