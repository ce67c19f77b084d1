"""Fits a batch of interactions from scratch, or improves a fit: random starts, split and merge, polish.

Message passing from random hard groups finds most of the structure by itself (mean field, annealed from a low
temperature, does not: with ten streams per user it collapses). What remains are groups that have merged while another
was split in two; split/merge moves correct these one at a time.
"""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.fitting.message_passing import MessagePassing
from processors.cocluster.fitting.split_merge import moved, moves
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups

START_PASSES = 12
SETTLE_PASSES = 40
MOVE_PASSES = (20, 60)  # passes for a challenger; the larger number only if the smaller leaves the fit stuck
MOVES_TRIED = 3  # per state
ROUNDS_MAX = 8
HOPELESS = -0.006  # promise per interaction below which no move is tried
STUCK = -0.002  # promise above which a fit is considered stuck
STILL = 1e-5  # gain of the objective over five passes that counts as convergence
PATIENCE = 6.0  # a challenger that is behind by more than this many of its last gains is given up


def one_hot(group: IntArray, groups: int) -> FloatArray:
    """Hard groups as responsibilities.

    >>> one_hot(np.array([1]), 2)
    array([[0., 1.]])
    """
    rows: FloatArray = np.eye(groups)[group]
    return rows


def random_start(data: Interactions, user_groups: int, card_groups: int, rng: np.random.Generator) -> SoftGroups:
    """Random hard groups."""
    user = one_hot(rng.integers(user_groups, size=data.users), user_groups)
    card = one_hot(rng.integers(card_groups, size=data.cards), card_groups)
    return soft_groups(data, user, card)


def polished(data: Interactions, groups: SoftGroups, passes: int, *, must_beat: float = -np.inf) -> SoftGroups:
    """Pass messages until the objective converges or cannot exceed `must_beat`, at most `passes` times."""
    run = MessagePassing(data, groups)
    before = -np.inf
    for done in range(0, passes, 5):
        run.run(min(5, passes - done))
        gain = run.objective - before
        if gain < STILL or run.objective + PATIENCE * gain < must_beat:
            break
        before = run.objective
    return run.groups()


def rearranged(data: Interactions, groups: SoftGroups, gain: float, passes: int) -> SoftGroups:
    """Split and merge as long as a move raises the objective by more than `gain` within `passes` passes."""
    for _ in range(ROUNDS_MAX):
        better = _first_gain(data, groups, gain, passes)
        if better is None:
            break
        groups = better
    return groups


def _first_gain(data: Interactions, groups: SoftGroups, gain: float, passes: int) -> SoftGroups | None:
    goal = groups.objective + gain
    for move in moves(data, groups, MOVES_TRIED):
        if move.promise < HOPELESS:
            break
        challenger = polished(data, moved(data, groups, move), passes, must_beat=goal)
        if challenger.objective > goal:
            return challenger
    return None


def unstuck(data: Interactions, groups: SoftGroups, gain: float, polish_passes: int) -> SoftGroups:
    """Rearrange and polish; give challengers more passes if the fit is still stuck."""
    for passes in MOVE_PASSES:
        better = rearranged(data, groups, gain, passes)
        if better is not groups:
            groups = polished(data, better, polish_passes)
        if stuck_promise(data, groups) <= STUCK:
            break
    return groups


def stuck_promise(data: Interactions, groups: SoftGroups) -> float:
    """Log-likelihood per interaction promised by the best move: above `STUCK`, groups have merged.

    This is the stuck test. It needs counts only, no fit: on planted worlds a correct structure gives -.007 to -.2, one
    with a merged pair -.0005 to +.04; without any structure it is 0.
    """
    best = moves(data, groups, 1)
    return best[0].promise if best else -np.inf


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
    """Fit from scratch: rearrange the best of `restarts` short runs, or the second best if that remains stuck."""
    starts = [
        polished(data, random_start(data, user_groups, card_groups, rng), START_PASSES)
        for _ in range(restarts if user_groups > 1 and card_groups > 1 else 1)
    ]
    starts.sort(key=lambda groups: -groups.objective)
    best = unstuck(data, polished(data, starts[0], SETTLE_PASSES), gain, polish_passes)
    for start in starts[1:2]:
        if stuck_promise(data, best) > STUCK:
            other = unstuck(data, polished(data, start, SETTLE_PASSES), gain, polish_passes)
            best = max(best, other, key=lambda groups: groups.objective)
    return best
