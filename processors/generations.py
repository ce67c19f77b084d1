"""How user groups of earlier generations lead to those of today: products of the published overlaps."""

from collections.abc import Mapping
from typing import Self

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray

GENERATIONS_MAX = 64
"""Earlier generations that are remembered: a page is corrected up to 12 hours after it was shown."""


class _ChainRow(Struct, array_like=True):
    generation: int
    groups: int
    products: dict[int, tuple[tuple[float, ...], ...]]


class Generations:
    """The generation in force, and for each of the last 64 before it the overlap [old, new] of its groups with today's.

    Sums by group move with every new generation by its overlap (`CardStatisticsTable.carry_over`). What becomes known
    late, of a page of an earlier generation, moves by the product of the overlaps since, so that it ends where it would
    be if it had been counted in time. As an overlap's rows sum to one, and none of its shares is negative, a part of a
    weight (an exposure's credit) remains within that weight.

    >>> chain = Generations(generation=1, groups=2)
    >>> chain.advance(2, np.array([[1.0, 0.0], [0.5, 0.5]])); chain.advance(3, np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> chain.moved(1, np.array([[0.5, 0.5]])).tolist(), chain.moved(3, np.array([[0.5, 0.5]])).tolist()
    ([[0.25, 0.75]], [[0.5, 0.5]])
    """

    def __init__(self, generation: int = 0, groups: int = 1) -> None:
        self.generation, self.groups = generation, groups
        self._products: dict[int, FloatArray] = {}

    def advance(self, generation: int, overlap: FloatArray) -> None:
        """A new generation is in force; rows of `overlap` [groups until now, new] sum to one."""
        products = {earlier: _by_group(product, overlap) for earlier, product in self._products.items()}
        products[self.generation] = overlap
        newest = sorted(products)[-GENERATIONS_MAX:]
        self._products = {earlier: products[earlier] for earlier in newest}
        self.generation, self.groups = generation, overlap.shape[1]

    def knows(self, generation: int, groups: int) -> bool:
        """Whether values by so many groups of that generation can be moved.

        >>> chain = Generations(); chain.advance(1, np.array([[0.25, 0.75]]))
        >>> chain.knows(0, 1), chain.knows(1, 2), chain.knows(0, 2), chain.knows(2, 2)
        (True, True, False, False)
        """
        if generation == self.generation:
            return groups == self.groups
        return generation in self._products and len(self._products[generation]) == groups

    def moved(self, generation: int, values: FloatArray) -> FloatArray:
        """Sums by group [..., old] of a generation that is known, by the groups of today [..., new].

        Credits of an exposure must be weighted before they are moved: it is the sums that add up.
        """
        if generation == self.generation:
            return values
        return _by_group(values, self._products[generation])

    def moved_back(self, generation: int, values: FloatArray) -> FloatArray:
        """Means by the groups of today [..., new] (such as credits) for the groups [..., old] of a generation known.

        A group of then has the mean of the groups into which it went, by its shares in them.

        >>> chain = Generations(); chain.advance(1, np.array([[0.25, 0.75]]))
        >>> chain.moved_back(0, np.array([[1.0, 0.0]])).tolist()
        [[0.25]]
        """
        if generation == self.generation:
            return values
        return _by_group(values, self._products[generation].T)

    def row(self) -> bytes:
        """All of it, as a row of state; it changes with the generation only.

        >>> chain = Generations(); chain.advance(7, np.array([[1 / 3, 2 / 3]]))
        >>> Generations.of(chain.row()).moved(0, np.ones((1, 1))).tolist() == [[1 / 3, 2 / 3]]
        True
        """
        products = {earlier: tuple(map(tuple, product.tolist())) for earlier, product in self._products.items()}
        return msgspec.msgpack.encode(_ChainRow(self.generation, self.groups, products))

    @classmethod
    def of(cls, row: bytes) -> Self:
        """The generations that wrote this row."""
        read = msgspec.msgpack.decode(row, type=_ChainRow)
        chain = cls(read.generation, read.groups)
        chain._products = _arrays(read.products)
        return chain


def _arrays(products: Mapping[int, tuple[tuple[float, ...], ...]]) -> dict[int, FloatArray]:
    return {earlier: np.array(product, dtype=np.float64) for earlier, product in products.items()}


def _by_group(values: FloatArray, shares: FloatArray) -> FloatArray:
    """Values [..., n] times shares [n, m], summed so that no rounding depends on how many rows there are."""
    moved = np.zeros((*values.shape[:-1], shares.shape[1]))
    for group, row in enumerate(shares):
        moved += values[..., group, None] * row
    return moved
