"""Reward models for estimators that correct one: the bandit's own, fitted on other records."""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.posterior import posterior
from processors.evaluation.estimators.more_robust import fit_weights

FOLDS = 2


def cross_fitted(
    item: IntArray,
    context: IntArray,
    rewards: FloatArray,
    targets: FloatArray,
    counts: FloatArray | None = None,
    groups: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Prediction of the block and card posterior for each record, and its expectation for the target: two columns [n].

    `item` and `context` [n] identify what was shown where (for our own outcomes: cards, and user groups), `targets`
    [contexts, items] is the target policy, `counts` [n] weights records in the fit (None: equally), `groups` [items, K]
    are the soft groups of items that form blocks (None: one group).

    Every record is predicted from the other half (odd from even rows): a model fitted on a record's own reward would
    reproduce it, and correct too little (Chernozhukov et al., The Econometrics Journal 21, 2018).

    >>> item, context = np.array([0, 0, 1, 1] * 50), np.zeros(200, dtype=int)
    >>> predicted, expected = cross_fitted(item, context, (item == 1) * 1.0, np.array([[0.5, 0.5]]))
    >>> predicted[:4].round(2).tolist(), round(float(expected[0]), 2)
    ([0.14, 0.14, 0.86, 0.86], 0.5)
    """
    predicted, expected = np.zeros(len(item)), np.zeros(len(item))
    blocks = np.ones((targets.shape[1], 1)) if groups is None else groups
    fold = np.arange(len(item)) % FOLDS
    for held_out in range(FOLDS):
        there, elsewhere = fold == held_out, fold != held_out
        some = None if counts is None else counts[elsewhere]
        model = _fitted(item[elsewhere], context[elsewhere], rewards[elsewhere], some, (targets.shape[0], blocks))
        predicted[there] = model[context[there], item[there]]
        expected[there] = (targets * model).sum(axis=1)[context[there]]
    return predicted, expected


def more_robust_counts(weights: FloatArray, propensities: FloatArray) -> FloatArray:
    """Weights of records [n] in the fit for `mrdr`, one on average.

    >>> more_robust_counts(np.array([2.0, 0.0]), np.array([0.5, 0.5])).tolist()
    [2.0, 0.0]
    """
    counts = fit_weights(weights, propensities)
    mean = counts.mean() if len(counts) else 0.0
    return np.asarray(counts / mean if mean > 0.0 else np.ones_like(counts), dtype=np.float64)


def _fitted(
    item: IntArray,
    context: IntArray,
    rewards: FloatArray,
    counts: FloatArray | None,
    shape: tuple[int, FloatArray],
) -> FloatArray:
    """Expected reward of every context and item."""
    contexts, groups = shape
    items = len(groups)
    cell = item * contexts + context
    count = np.ones(len(item)) if counts is None else counts

    def summed(values: FloatArray) -> FloatArray:
        sums = np.bincount(cell, values, items * contexts).astype(np.float64)
        return sums.reshape(items, contexts)

    sums = summed(count), summed(count * rewards), summed(count * rewards**2)
    return posterior(*sums, groups).mean.T
