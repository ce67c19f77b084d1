"""Maps user groups of earlier generations to the current ones, by products of the published overlaps."""

from collections.abc import Mapping
from typing import Self

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray

GENERATIONS_MAX = 64
"""Number of earlier generations kept: pages are corrected up to 12 hours after they were shown."""


class _ChainRow(Struct, array_like=True):
    generation: int
    groups: int
    products: dict[int, tuple[tuple[float, ...], ...]]


class Generations:
    """The current generation, and the overlap [old, new] of its groups with those of each of the last 64.

    Sums by group are moved with every new generation by its overlap (`CardStatisticsTable.carry_over`). Late
    contributions, from pages of an earlier generation, are moved by the product of the overlaps since, so that they end
    where they would have been if counted in time. As the rows of an overlap are non-negative and sum to one, a part of
    a weight (an exposure's credit) never exceeds that weight.

    >>> chain = Generations(generation=1, groups=2)
    >>> chain.advance(2, np.array([[1.0, 0.0], [0.5, 0.5]])); chain.advance(3, np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> chain.moved(1, np.array([[0.5, 0.5]])).tolist(), chain.moved(3, np.array([[0.5, 0.5]])).tolist()
    ([[0.25, 0.75]], [[0.5, 0.5]])
    """

    def __init__(self, generation: int = 0, groups: int = 1) -> None:
        self.generation, self.groups = generation, groups
        self._products: dict[int, FloatArray] = {}

    def advance(self, generation: int, overlap: FloatArray) -> None:
        """Start a new generation; rows of `overlap` [groups so far, new] sum to one."""
        products = {earlier: _by_group(product, overlap) for earlier, product in self._products.items()}
        products[self.generation] = overlap
        newest = sorted(products)[-GENERATIONS_MAX:]
        self._products = {earlier: products[earlier] for earlier in newest}
        self.generation, self.groups = generation, overlap.shape[1]

    def knows(self, generation: int, groups: int) -> bool:
        """Whether values by `groups` groups of that generation can be moved.

        >>> chain = Generations(); chain.advance(1, np.array([[0.25, 0.75]]))
        >>> chain.knows(0, 1), chain.knows(1, 2), chain.knows(0, 2), chain.knows(2, 2)
        (True, True, False, False)
        """
        if generation == self.generation:
            return groups == self.groups
        return generation in self._products and len(self._products[generation]) == groups

    def moved(self, generation: int, values: FloatArray) -> FloatArray:
        """Sums by group [..., old] of a known generation, by current groups [..., new].

        Weight credits of an exposure before moving them: only sums are additive.
        """
        if generation == self.generation:
            return values
        return _by_group(values, self._products[generation])

    def moved_back(self, generation: int, values: FloatArray) -> FloatArray:
        """Means by current group [..., new] (such as credits) for the groups [..., old] of a known generation.

        An old group gets the mean of the groups into which it went, weighted by its shares in them.

        >>> chain = Generations(); chain.advance(1, np.array([[0.25, 0.75]]))
        >>> chain.moved_back(0, np.array([[1.0, 0.0]])).tolist()
        [[0.25]]
        """
        if generation == self.generation:
            return values
        return _by_group(values, self._products[generation].T)

    def row(self) -> bytes:
        """The state as a row; it changes only with the generation.

        >>> chain = Generations(); chain.advance(7, np.array([[1 / 3, 2 / 3]]))
        >>> Generations.of(chain.row()).moved(0, np.ones((1, 1))).tolist() == [[1 / 3, 2 / 3]]
        True
        """
        products = {earlier: tuple(map(tuple, product.tolist())) for earlier, product in self._products.items()}
        return msgspec.msgpack.encode(_ChainRow(self.generation, self.groups, products))

    @classmethod
    def of(cls, row: bytes) -> Self:
        """Restore the generations that wrote this row."""
        read = msgspec.msgpack.decode(row, type=_ChainRow)
        chain = cls(read.generation, read.groups)
        chain._products = _arrays(read.products)
        return chain


def _arrays(products: Mapping[int, tuple[tuple[float, ...], ...]]) -> dict[int, FloatArray]:
    return {earlier: np.array(product, dtype=np.float64) for earlier, product in products.items()}


def _by_group(values: FloatArray, shares: FloatArray) -> FloatArray:
    """Values [..., n] times shares [n, m], summed so that rounding does not depend on the number of rows."""
    moved = np.zeros((*values.shape[:-1], shares.shape[1]))
    for group, row in enumerate(shares):
        moved += values[..., group, None] * row
    return moved
