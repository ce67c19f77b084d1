"""Chooses the number of groups: compares shapes on held-out interactions, with one-sided groupings and plain biases.

A gain over fewer groups is evidence of groups only as far as it exceeds its *null*: the gain of the same blocks as a
mixture, with groups unknown (`held_out`). Shapes are chosen by the excess over the null; compare them on normal scores
(`normal_scores`) for this.
"""

from collections.abc import Mapping

import numpy as np

from processors.arrays import IntArray
from processors.cocluster.fitting.clusterer import Clusterer
from processors.cocluster.fitting.global_moves import fitted
from processors.cocluster.fitting.held_out import Prediction, predict_held_out, subset
from processors.cocluster.fitting.shape_scores import Score
from processors.cocluster.model.biases import Biases, fit_biases
from processors.cocluster.model.soft_groups import Interactions
from processors.telling import Tell, nobody

Shape = tuple[int, int]
BIASES = "biases"


def name_of(shape: Shape) -> str:
    """The name of a shape.

    >>> name_of((6, 1))
    '6x1'
    """
    return f"{shape[0]}x{shape[1]}"


def one_sided(shape: Shape) -> tuple[Shape, Shape, Shape]:
    """The shapes that this one must beat: cards alone, users alone, no groups."""
    return (1, shape[1]), (shape[0], 1), (1, 1)


def fold_numbers(interactions: int, folds: int, rng: np.random.Generator) -> IntArray:
    """Assign interactions at random to folds of equal size."""
    return rng.permutation(np.arange(interactions) % folds)


def compare(
    data: Interactions,
    shapes: list[Shape],
    fold: IntArray,
    rng: np.random.Generator,
    *,
    with_biases: Shape | None = None,
    beside: Mapping[str, Clusterer] | None = None,
    tell: Tell = nobody,
) -> dict[str, Score]:
    """Hold out the folds 0, 1, ... in turn (negative: never) and score every shape, and plain biases.

    `with_biases` also scores biases plus blocks of that shape on their residuals; `beside` are other groupings to
    score. `tell` receives progress after every fit.
    """
    parts: dict[tuple[str, Shape], list[Prediction]] = {}
    folds = int(fold.max()) + 1
    steps = folds * (len(shapes) + len(beside or {}) + 1)
    for number in range(folds):
        train, test = (
            subset(data, np.flatnonzero(fold != number)),
            subset(data, np.flatnonzero(fold == number)),
        )
        for shape in shapes:
            groups = fitted(train, *shape, rng, restarts=3, polish_passes=40)
            tell("shapes compared", sum(map(len, parts.values())) + 1, steps)
            parts.setdefault((name_of(shape), shape), []).append(predict_held_out(groups, test.user, test.card, test.x))
        for name, clusterer in (beside or {}).items():
            groups = clusterer.groups(train)
            parts.setdefault((name, groups.shape), []).append(predict_held_out(groups, test.user, test.card, test.x))
        biases = fit_biases(train.user, train.card, train.x, train.users, train.cards)
        parts.setdefault((BIASES, (1, 1)), []).append(_by_biases(biases, train, test))
        if with_biases is not None:
            rest = train.x - biases.predict(train.user, train.card)
            left = Interactions(train.user, train.card, rest, train.users, train.cards)
            groups = fitted(left, *with_biases, rng, restarts=3, polish_passes=40)
            name, error = f"{BIASES}+{name_of(with_biases)}", test.x - biases.predict(test.user, test.card)
            predicted = predict_held_out(groups, test.user, test.card, error)
            parts.setdefault((name, with_biases), []).append(predicted)
    return {
        name: Score(name=name, groups=shape, prediction=Prediction.joined(predictions))
        for (name, shape), predictions in parts.items()
    }


def _by_biases(biases: Biases, train: Interactions, test: Interactions) -> Prediction:
    """Score the held-out interactions by biases; without known biases they are one Normal."""
    error = test.x - biases.predict(test.user, test.card)
    known = biases.log_likelihood(test.user, test.card, test.x)
    mean, variance = train.x.mean(), train.x.var() + 1e-9
    marginal = -0.5 * ((test.x - mean) ** 2 / variance + np.log(2 * np.pi * variance))
    return Prediction(known, known, known, marginal, error**2)


def chosen_shape(scores: dict[str, Score], shapes: list[Shape]) -> Shape:
    """The smallest shape within one standard error of the best, by the gain from knowing its groups.

    A shape qualifies only if each of its sides gains by itself; one group, which gains nothing, always qualifies and is
    the result if there is no structure.
    """
    supported = [shape for shape in {*shapes, (1, 1)} if scores[name_of(shape)].is_supported]
    best = max((scores[name_of(shape)] for shape in supported), key=lambda score: float(score.net.mean()))
    for shape in sorted(supported, key=lambda shape: (shape[0] * shape[1], shape)):
        behind, error = best.net_over(scores[name_of(shape)])
        if behind <= error:
            return shape
    raise AssertionError("the best shape is within one standard error of itself")


def candidates(largest: Shape) -> list[Shape]:
    """Shapes up to the largest: one, half and all of its groups on either side.

    >>> candidates((6, 1))
    [(1, 1), (3, 1), (6, 1)]
    """
    users, cards = (sorted({1, (size + 1) // 2, size}) for size in largest)
    return [(g, k) for g in users for k in cards]
