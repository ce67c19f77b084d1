"""Validates columns of a log once, on input; errors name the column and the remedy."""

import numpy as np
from numpy.typing import ArrayLike

from processors.arrays import FloatArray


def float_column(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None) -> FloatArray:
    """The values as float64, of shape `shape` if given.

    Raises `ValueError` for another shape, or for a value that is not finite.

    >>> float_column("rewards", [0, 1], (2,)).tolist()
    [0.0, 1.0]
    >>> float_column("rewards", [0, 1], (3,))
    Traceback (most recent call last):
    ValueError: rewards have the shape (2,), weights (3,): give one value for each record
    """
    column = np.asarray(values, dtype=np.float64)
    if shape is not None and column.shape != shape:
        raise ValueError(f"{name} have the shape {column.shape}, weights {shape}: give one value for each record")
    if not np.isfinite(column).all():
        place = int(np.flatnonzero(~np.isfinite(column.ravel()))[0])
        raise ValueError(f"{name} contain {column.ravel()[place]} at {place}: remove such records, and count them")
    return column


def weight_column(name: str, values: ArrayLike, shape: tuple[int, ...] | None = None) -> FloatArray:
    """The same for importance weights, which must not be negative.

    >>> weight_column("weights", [1.0, -0.5])
    Traceback (most recent call last):
    ValueError: weights contain -0.5 at 1: a weight is the target's over the logging policy's probability
    """
    column = float_column(name, values, shape)
    if (column < 0.0).any():
        place = int(np.flatnonzero(column.ravel() < 0.0)[0])
        worst = column.ravel()[place]
        raise ValueError(
            f"{name} contain {worst:g} at {place}: a weight is the target's over the logging policy's probability"
        )
    return column
