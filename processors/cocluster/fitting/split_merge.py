"""Proposals to leave a local optimum: merge two groups that hardly differ, split one that contains two.

Each group is fitted as a mixture of two: EM over its members' residual profiles (how far above or below the group each
member lies, by group of the other side). The promise of a move is the gain of the best split less the loss of the
cheapest merge; message passing then finds out whether it is kept. Source: Ueda, Nakano, Ghahramani & Hinton (2000),
*SMEM algorithm for mixture models*.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_statistics import BlockParameters, block_parameters
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.compiled import compiled

EM_STEPS = 8
SHRINKAGE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """Merge the groups `merged` into one, and give the freed number to the half `share` of the group `split`."""

    of_cards: bool
    merged: tuple[int, int]
    split: int
    share: FloatArray  # [nodes], the part of each member that goes to the new group
    promise: float  # log-likelihood per interaction


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One side's responsibilities and, per node and group of the other side, soft count and sum of x."""

    responsibility: FloatArray  # [nodes, G]
    count: FloatArray  # [nodes, K]
    total: FloatArray  # [nodes, K]
    statistics: FloatArray  # [3, G, K]


def _sides(data: Interactions, groups: SoftGroups) -> tuple[_Side, _Side]:
    users = _Side(groups.user, data.by_user[0] @ groups.card, data.by_user[1] @ groups.card, groups.statistics)
    cards = _Side(
        groups.card,
        data.by_card[0] @ groups.user,
        data.by_card[1] @ groups.user,
        groups.statistics.transpose(0, 2, 1),
    )
    return users, cards


def _split(side: _Side, blocks: BlockParameters, g: int) -> tuple[float, FloatArray]:
    """Log-likelihood gained by two halves of group g, and each node's share of the second half."""
    weight = side.responsibility[:, g]
    members = np.flatnonzero(weight > 0.1)
    share = np.zeros(len(weight))
    if len(members) < 4:
        return 0.0, share
    w, count, variance = weight[members, None], side.count[members], blocks.variance[g]
    residual = side.total[members] - count * blocks.mean[g]
    profile = np.sqrt(w) * residual / np.sqrt((count + 1.0) * variance)
    direction = np.linalg.eigh(profile.T @ profile)[1][:, -1]
    half = (profile @ direction > 0).astype(np.float64)
    gain = halve(side.responsibility[members, g], count, residual, variance, half)
    share[members] = half
    return gain, share


@compiled
def halve(weight: FloatArray, count: FloatArray, residual: FloatArray, variance: FloatArray, half: FloatArray) -> float:
    """Fit a mixture of two to members [n] by EM, from and into their shares of the second half.

    Returns the log-likelihood gained; `count` and `residual` are [n, K], `variance` is [K].
    """
    members, others = count.shape
    gained = 0.0
    for _ in range(EM_STEPS):
        part, weighed, shift = np.zeros(2), np.zeros((2, others)), np.zeros((2, others))
        for i in range(members):
            for h, share in enumerate((weight[i] * (1.0 - half[i]), weight[i] * half[i])):
                part[h] += share
                for k in range(others):
                    weighed[h, k] += share * count[i, k]
                    shift[h, k] += share * residual[i, k]
        for h in range(2):
            for k in range(others):
                shift[h, k] /= SHRINKAGE + weighed[h, k]
        both = part[0] + part[1]
        log_first, log_second = np.log(part[0] / both + 1e-12), np.log(part[1] / both + 1e-12)
        gained = 0.0
        for i in range(members):
            one, other = log_first, log_second
            for k in range(others):
                one += (residual[i, k] * shift[0, k] - 0.5 * count[i, k] * shift[0, k] ** 2) / variance[k]
                other += (residual[i, k] * shift[1, k] - 0.5 * count[i, k] * shift[1, k] ** 2) / variance[k]
            rarer = np.exp(-abs(one - other))
            half[i] = (1.0 if other > one else rarer) / (1.0 + rarer)
            gained += weight[i] * (max(one, other) + np.log(1.0 + rarer))
    return gained


def _merge_loss(statistics: FloatArray, blocks: BlockParameters, a: int, b: int) -> float:
    """Log-likelihood lost when the groups a and b get common blocks."""
    n, m = statistics[0, a], statistics[0, b]
    gap = (blocks.mean[a] - blocks.mean[b]) ** 2
    return float((0.5 * n * m / (n + m + 1e-9) * gap / np.sqrt(blocks.variance[a] * blocks.variance[b])).sum())


def moves(data: Interactions, groups: SoftGroups, most: int) -> list[Move]:
    """The most promising moves of each side, best first, each split used once."""
    found = []
    for of_cards, side in enumerate(_sides(data, groups)):
        size = side.responsibility.shape[1]
        if size < 2:
            continue
        blocks = block_parameters(side.statistics)
        splits = [_split(side, blocks, g) for g in range(size)]
        merges = sorted((_merge_loss(side.statistics, blocks, a, b), a, b) for a, b in combinations(range(size), 2))
        for g, (gain, share) in enumerate(splits):
            fitting = [(loss, a, b) for loss, a, b in merges if g not in (a, b)]
            if fitting:
                loss, a, b = fitting[0]
                found.append(Move(bool(of_cards), (a, b), g, share, (gain - loss) / max(len(data), 1)))
    return sorted(found, key=lambda move: -move.promise)[:most]


def moved(data: Interactions, groups: SoftGroups, move: Move) -> SoftGroups:
    """Apply a move to the responsibilities and recount the blocks."""
    side = (groups.card if move.of_cards else groups.user).copy()
    a, b = move.merged
    side[:, a] += side[:, b]
    side[:, b] = side[:, move.split] * move.share
    side[:, move.split] *= 1.0 - move.share
    return soft_groups(data, groups.user, side) if move.of_cards else soft_groups(data, side, groups.card)
