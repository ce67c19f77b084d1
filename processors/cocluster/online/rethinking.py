"""Looks for a better structure than the current one, on a sample of the interactions as a whole.

A better fit to the interactions that a challenger was fitted to is no evidence: for noise, another arrangement of the
noise, or a mixture nearer to its skewed distribution, always fits better. A challenger must win on held-out
interactions, on normal scores, and by knowing groups (`shapes` uses the same rule).
"""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.fitting.global_moves import STUCK, fitted, polished, stuck_promise, unstuck
from processors.cocluster.fitting.held_out import predict_held_out, subset
from processors.cocluster.fitting.matching import kept_share, matched_order, overlap
from processors.cocluster.fitting.normal_scores import on_normal_scores
from processors.cocluster.fitting.shape_scores import exceeds_doubt
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.online.settings import LearnerSettings

FOLDS = 5
JUDGED_MIN = 10_000  # number of interactions held out in turn, if there are as many
JUDGED_PASSES = 40  # starting from groups that are already fitted


def first_structure(data: Interactions, settings: LearnerSettings, rng: np.random.Generator) -> SoftGroups:
    """Fit from scratch."""
    return fitted(
        data,
        settings.user_groups,
        settings.card_groups,
        rng,
        restarts=settings.restarts,
        polish_passes=settings.polish_passes,
    )


def better_structure(
    data: Interactions, current: SoftGroups, settings: LearnerSettings, rng: np.random.Generator
) -> tuple[SoftGroups, bool]:
    """Rearrange the current groups; also fit from scratch if that is cheap or they remain stuck.

    Returns the winner and True if it beats the polished current groups by `swap_gain`, both where it was fitted and
    held out; otherwise these and False. The winner's groups are numbered after the current ones.
    """
    same = polished(data, current, settings.polish_passes)
    better = unstuck(data, same, settings.swap_gain, settings.polish_passes)
    if len(data) <= settings.fresh_edges or stuck_promise(data, better) > STUCK:
        better = max(better, first_structure(data, settings, rng), key=lambda groups: groups.objective)
    won = better.objective > same.objective + settings.swap_gain and knows_more(
        data, same, better, settings.swap_gain, rng
    )
    return (numbered_after(current, better), True) if won else (same, False)


def knows_more(
    data: Interactions, same: SoftGroups, better: SoftGroups, least: float, rng: np.random.Generator
) -> bool:
    """Whether knowing the better groups gains at least `least` more on held-out interactions, beyond doubt."""
    ranked = on_normal_scores(data, rng)
    fold = rng.permutation(np.arange(len(data)) % FOLDS)
    judged = min(FOLDS, -(-FOLDS * JUDGED_MIN // max(len(data), 1)))
    differences = []
    for number in range(judged):
        train, test = (subset(ranked, np.flatnonzero(part)) for part in (fold != number, fold == number))
        one, other = (_gained(train, test, groups) for groups in (same, better))
        differences.append(other - one)
    return exceeds_doubt(np.concatenate(differences), least)


def _gained(train: Interactions, test: Interactions, start: SoftGroups) -> FloatArray:
    groups = polished(train, soft_groups(train, start.user, start.card), JUDGED_PASSES)
    predicted = predict_held_out(groups, test.user, test.card, test.x)
    return predicted.log_likelihood - predicted.marginal


def numbered_after(current: SoftGroups, better: SoftGroups) -> SoftGroups:
    """Give each group the number of the current group with the largest overlap."""
    user_order = matched_order(overlap(current.user, better.user))
    card_order = matched_order(overlap(current.card, better.card))
    statistics = np.ascontiguousarray(better.statistics[:, user_order][:, :, card_order])
    return SoftGroups(better.user[:, user_order], better.card[:, card_order], statistics, better.objective)


def kept_shares(one: SoftGroups, other: SoftGroups) -> float:
    """Share of the nodes that keep their group, on the side where it is smaller."""
    return min(kept_share(one.user, other.user), kept_share(one.card, other.card))


def overlaps(one: SoftGroups, other: SoftGroups) -> tuple[FloatArray, FloatArray]:
    """Soft members in common, of both sides."""
    return overlap(one.user, other.user), overlap(one.card, other.card)
