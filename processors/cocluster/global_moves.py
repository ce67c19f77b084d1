"""Fit a batch of interactions from nothing, or better a fit: random starts, split and merge, polish.

Message passing from random hard groups finds most of the structure by itself (mean field, annealed from a low
temperature, does not: at ten streams a user it collapses). What is left are groups that merged while
another was split in two, and the split/merge moves undo those one at a time.
"""

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.cocluster.message_passing import MessagePassing
from processors.cocluster.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.split_merge import moved, moves

START_PASSES = 12
MOVE_PASSES = 20
MOVES_TRIED = 4
ROUNDS_MAX = 24
HOPELESS = -0.004  # promise per interaction below which a move is not tried
STILL = 2e-5  # gain of the objective over five passes that counts as none


def one_hot(group: IntArray, groups: int) -> FloatArray:
    """Hard groups as responsibilities.

    >>> one_hot(np.array([1]), 2)
    array([[0., 1.]])
    """
    rows: FloatArray = np.eye(groups)[group]
    return rows


def random_start(
    data: Interactions, user_groups: int, card_groups: int, rng: np.random.Generator
) -> SoftGroups:
    """Hard groups by chance."""
    user = one_hot(rng.integers(user_groups, size=data.users), user_groups)
    card = one_hot(rng.integers(card_groups, size=data.cards), card_groups)
    return soft_groups(data, user, card)


def polished(data: Interactions, groups: SoftGroups, passes: int) -> SoftGroups:
    """Pass messages until the objective stands still, at most `passes` times."""
    run = MessagePassing(data, groups)
    before = -np.inf
    for done in range(0, passes, 5):
        run.run(min(5, passes - done))
        if run.objective - before < STILL:
            break
        before = run.objective
    return run.groups()


def rearranged(data: Interactions, groups: SoftGroups, gain: float) -> SoftGroups:
    """Split and merge while a move raises the objective by more than `gain` per interaction."""
    for _ in range(ROUNDS_MAX):
        for move in moves(data, groups, MOVES_TRIED):
            if move.promise < HOPELESS:
                continue
            challenger = polished(data, moved(data, groups, move), MOVE_PASSES)
            if challenger.objective > groups.objective + gain:
                groups = challenger
                break
        else:
            return groups
    return groups


def fitted(
    data: Interactions,
    user_groups: int,
    card_groups: int,
    rng: np.random.Generator,
    *,
    restarts: int = 6,
    polish_passes: int = 75,
    gain: float = 0.0005,
) -> SoftGroups:
    """Fit from nothing: the best two of `restarts` short runs are rearranged, the better one is polished."""
    starts = [
        polished(data, random_start(data, user_groups, card_groups, rng), START_PASSES)
        for _ in range(restarts if user_groups * card_groups > 1 else 1)
    ]
    starts.sort(key=lambda groups: -groups.objective)
    finals = [rearranged(data, polished(data, start, MOVE_PASSES), gain) for start in starts[:2]]
    return polished(data, max(finals, key=lambda groups: groups.objective), polish_passes)
