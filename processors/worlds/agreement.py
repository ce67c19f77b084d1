"""Adjusted Rand index (Hubert & Arabie 1985): agreement of two groupings, 0 by chance, 1 when equal."""

import numpy as np

from processors.arrays import IntArray


def adjusted_rand(one: IntArray, two: IntArray) -> float:
    """Agreement of two groupings [n] of the same nodes, numbered from 0.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    >>> round(adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), 2)
    -0.5
    """
    table = np.zeros((int(one.max()) + 1, int(two.max()) + 1))
    np.add.at(table, (one, two), 1.0)
    pairs, rows, columns = (
        float((counts * (counts - 1)).sum()) / 2 for counts in (table, table.sum(axis=1), table.sum(axis=0))
    )
    expected = rows * columns / max(len(one) * (len(one) - 1) / 2, 1.0)
    most = (rows + columns) / 2
    return 1.0 if most == expected else (pairs - expected) / (most - expected)
