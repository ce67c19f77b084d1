"""Streams as evidence on every co-cluster at once: sums by block, each stream counting by its soft groups."""

import numpy as np

from processors.arrays import FloatArray
from schemas.monitoring import BlockEvidence

DECIMALS = 6


def block_evidence(
    user_weights: FloatArray, card_weights: FloatArray, x: FloatArray, expected: FloatArray
) -> FloatArray:
    """Sums [5, G, K] over streams [n], in the order of the fields of `BlockEvidence`; they add up.

    Counting a stream only in its likeliest block would lose most of the evidence where groups are uncertain.

    >>> listener, card = np.array([[0.75, 0.25]]), np.array([[1.0]])
    >>> block_evidence(listener, card, x=np.array([5.0]), expected=np.array([7.0])).round(3).tolist()
    [[[0.75], [0.25]], [[0.562], [0.062]], [[3.75], [1.25]], [[-1.5], [-0.5]], [[3.0], [1.0]]]
    """
    residual = x - expected
    shares = [user_weights * factor[:, None] for factor in (x, residual, residual**2)]
    squares = (user_weights**2).T @ card_weights**2
    return np.stack([user_weights.T @ card_weights, squares, *(share.T @ card_weights for share in shares)])


def evidence_message(sums: FloatArray) -> BlockEvidence:
    """Sums [5, G, K] as a message, rounded to six decimals."""
    return BlockEvidence(
        **{
            name: tuple(map(tuple, block))
            for name, block in zip(BlockEvidence.__struct_fields__, np.round(sums, DECIMALS).tolist(), strict=True)
        }
    )


def evidence_sums(message: BlockEvidence) -> FloatArray:
    """Sums [5, G, K] of a message."""
    return np.array([getattr(message, name) for name in BlockEvidence.__struct_fields__], dtype=np.float64)
