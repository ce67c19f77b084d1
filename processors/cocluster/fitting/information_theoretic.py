"""Groups by which pairs occur, not by how long: co-clustering of counts that preserves most mutual information.

Absent pairs count here, so this answers another question than streaming time, and finds groups of streaming time badly:
an option for exposure counts, never the default. Source: Dhillon, Mallela & Modha (KDD 2003), *Information-theoretic
co-clustering*: rows and columns move in turn to the cluster whose prototype is nearest in Kullback-Leibler divergence,
which never reduces mutual information.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from processors.arrays import FloatArray, IntArray
from processors.cocluster.fitting.global_moves import one_hot
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups

SPAWN_KEY = 0x696E666F  # "info"
STEPS_MAX = 40
SMOOTHING = 0.5  # exposures added to every block: no block is impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationTheoretic:
    """Hard groups from the counts of interactions; durations only fill the blocks."""

    user_groups: int
    card_groups: int
    seed: int = 0
    restarts: int = 8

    def groups(self, data: Interactions) -> SoftGroups:
        """The restart with the highest mutual information."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(SPAWN_KEY,)))
        runs = [self._run(data, rng) for _ in range(self.restarts)]
        _, user, card = max(runs, key=lambda run: run[0])
        return soft_groups(data, one_hot(user, self.user_groups), one_hot(card, self.card_groups))

    def _run(self, data: Interactions, rng: np.random.Generator) -> tuple[float, IntArray, IntArray]:
        user: IntArray = rng.integers(self.user_groups, size=data.users)
        card: IntArray = rng.integers(self.card_groups, size=data.cards)
        best = -np.inf
        for _ in range(STEPS_MAX):
            user = _nearest(data.by_user[0], user, one_hot(card, self.card_groups), self.user_groups)
            card = _nearest(data.by_card[0], card, one_hot(user, self.user_groups), self.card_groups)
            kept = mutual_information(user, card, data, self.user_groups, self.card_groups)
            if kept <= best + 1e-9:
                break
            best = kept
        return best, user, card


def _nearest(counts: csr_array, group: IntArray, other: FloatArray, groups: int) -> IntArray:
    """Move each row to the cluster whose distribution over the other side's clusters explains it best."""
    profile: FloatArray = counts @ other
    block = one_hot(group, groups).T @ profile + SMOOTHING
    prototype = np.log(block / block.sum(axis=1, keepdims=True))
    moved: IntArray = (profile @ prototype.T).argmax(axis=1)
    return np.where(profile.any(axis=1), moved, group)


def mutual_information(user: IntArray, card: IntArray, data: Interactions, user_groups: int, card_groups: int) -> float:
    """Mutual information in nats between the groups of both sides over the interactions.

    >>> table = Interactions(np.array([0, 1]), np.array([0, 1]), np.ones(2), 2, 2)
    >>> float(round(mutual_information(np.array([0, 1]), np.array([0, 1]), table, 2, 2), 3))
    0.693
    """
    joint = np.zeros((user_groups, card_groups))
    np.add.at(joint, (user[data.user], card[data.card]), 1.0 / max(len(data), 1))
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / independent[some])).sum())
