"""Grows arrays by doubling."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    """The same array, or a larger copy if it has fewer than `room` elements.

    >>> grown(np.array([1, 2]), 3)
    array([1, 2, 0, 0])
    """
    if len(array) >= room:
        return array
    larger = np.zeros((max(int(room), 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
