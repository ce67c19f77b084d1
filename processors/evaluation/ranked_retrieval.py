"""Precision and recall of ranked cards, and what they are worth beside a baseline."""

from collections.abc import Mapping, Sequence

import numpy as np

from processors.arrays import FloatArray, IntArray

Figures = dict[str, float]


def precision_and_recall(relevance: FloatArray, shown: IntArray, sizes: Sequence[int]) -> Figures:
    """Means over listeners of `precision@k` and `recall@k`, for each k of `sizes`.

    `relevance` [users, cards] is the probability that a card is relevant to a listener, `shown` [users, n] the cards
    that a policy ranks first. Precision is the mean relevance of the first k; recall their share of the sum over all
    cards: the expected numbers of relevant cards that are shown, over k, and over all that there are.

    >>> figures = precision_and_recall(np.array([[0.5, 0.1, 0.4]]), np.array([[0, 1]]), (1, 2))
    >>> {name: round(figure, 3) for name, figure in figures.items()}
    {'precision@1': 0.5, 'recall@1': 0.5, 'precision@2': 0.3, 'recall@2': 0.6}
    """
    found: Figures = {}
    ranked = np.take_along_axis(relevance, shown, axis=1)
    total = relevance.sum(axis=1)
    for size in sizes:
        first = ranked[:, :size].sum(axis=1)
        found[f"precision@{size}"] = float(first.mean() / size)
        found[f"recall@{size}"] = float((first / np.where(total > 0.0, total, 1.0)).mean())
    return found


def normalised(figures: Mapping[str, Figures], baseline: str) -> dict[str, Figures]:
    """The figures of every policy over those of the baseline.

    >>> normalised({"static": {"precision@1": 0.25}, "mean": {"precision@1": 0.375}}, "static")["mean"]
    {'precision@1': 1.5}
    """
    base = figures[baseline]
    return {
        name: {key: own[key] / base[key] if base[key] else float("nan") for key in own} for name, own in figures.items()
    }
