"""A batch of interactions, and soft groups of both sides over it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.binned_table import binned_table
from processors.cocluster.model.block_statistics import BlockParameters, block_parameters

PRIOR_PSEUDO_COUNT = 1.0  # of a group's share, so that an empty group can grow again


class Interactions:
    """Observed entries as sparse matrices of 1, x and x squared, once by user and once by card.

    Repeated entries count repeatedly. What is not observed is unknown, not small.
    """

    def __init__(self, user: IntArray, card: IntArray, x: FloatArray, users: int, cards: int) -> None:
        self.user, self.card, self.x = user, card, np.asarray(x, dtype=np.float64)
        self.users, self.cards = users, cards
        self.by_user = _powers(user, card, self.x, (users, cards))
        self.by_card = _powers(card, user, self.x, (cards, users))
        ones, by_x, _ = self.by_user
        self.table = binned_table(ones.indptr, ones.indices, by_x.data)

    def __len__(self) -> int:
        """Number of interactions."""
        return len(self.x)


def _powers(
    row: IntArray, column: IntArray, x: FloatArray, shape: tuple[int, int]
) -> tuple[csr_array, csr_array, csr_array]:
    order = np.argsort(row, kind="stable")
    indptr = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=shape[0]))))
    column, x = column[order], x[order]
    ones, by_x, by_square = (csr_array((values, column, indptr), shape=shape) for values in (x * 0 + 1, x, x * x))
    return ones, by_x, by_square


@dataclass(slots=True, eq=False)
class SoftGroups:
    """Responsibilities of both sides, the blocks they imply, and the bound per interaction."""

    user: FloatArray  # [users, G]
    card: FloatArray  # [cards, K]
    statistics: FloatArray  # [3, G, K]
    objective: float = -np.inf

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of user and card groups."""
        return self.user.shape[1], self.card.shape[1]

    @property
    def parameters(self) -> BlockParameters:
        """Shrunk blocks of these groups."""
        return block_parameters(self.statistics)


def group_prior(responsibility: FloatArray) -> FloatArray:
    """Share of each group, shrunk towards equal shares by one pseudo-node per group."""
    total = responsibility.sum(axis=0) + PRIOR_PSEUDO_COUNT
    share: FloatArray = total / total.sum()
    return share


def soft_groups(data: Interactions, user: FloatArray, card: FloatArray) -> SoftGroups:
    """Count the blocks of given responsibilities."""
    return SoftGroups(user, card, _statistics(user, [m @ card for m in data.by_user]))


def _statistics(user: FloatArray, sums: list[FloatArray]) -> FloatArray:
    return np.stack([user.T @ s for s in sums])
