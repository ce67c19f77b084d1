"""How many groups: shapes compared on held-out interactions, beside one-sided groupings and plain biases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.biases import fit_biases
from processors.cocluster.clusterer import Clusterer
from processors.cocluster.global_moves import fitted
from processors.cocluster.held_out import Prediction, predict_held_out, subset
from processors.cocluster.soft_groups import Interactions
from processors.telling import Tell, nobody

Shape = tuple[int, int]
BIASES = "biases"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """A model on the held-out interactions of all folds."""

    name: str
    log_likelihood: FloatArray  # [held-out interactions], nats
    squared_error: FloatArray

    @property
    def mean_log_likelihood(self) -> float:
        """Nats per interaction."""
        return float(self.log_likelihood.mean())

    @property
    def rmse(self) -> float:
        """Root mean squared error of x = log1p(seconds)."""
        return float(np.sqrt(self.squared_error.mean()))

    def gain_over(self, other: "Score") -> tuple[float, float]:
        """Nats per interaction by which this is better, and the standard error of that (paired)."""
        difference = self.log_likelihood - other.log_likelihood
        return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))


def name_of(shape: Shape) -> str:
    """Write a shape.

    >>> name_of((6, 1))
    '6x1'
    """
    return f"{shape[0]}x{shape[1]}"


def one_sided(shape: Shape) -> tuple[Shape, Shape, Shape]:
    """Give what a shape must beat: its cards alone, its users alone, no groups."""
    return (1, shape[1]), (shape[0], 1), (1, 1)


def fold_numbers(interactions: int, folds: int, rng: np.random.Generator) -> IntArray:
    """Deal interactions into folds of equal size, by chance."""
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
    """Hold out the folds 0, 1, ... in turn (below 0: never) and score every shape, and plain biases.

    `with_biases` also scores biases plus blocks of that shape on what the biases leave; `beside` names other ways to
    group that are scored as well. `tell` is told of every fit.
    """
    parts: dict[str, list[Prediction]] = {}
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
            parts.setdefault(name_of(shape), []).append(predict_held_out(groups, test.user, test.card, test.x))
        for name, clusterer in (beside or {}).items():
            groups = clusterer.groups(train)
            parts.setdefault(name, []).append(predict_held_out(groups, test.user, test.card, test.x))
        biases = fit_biases(train.user, train.card, train.x, train.users, train.cards)
        error = test.x - biases.predict(test.user, test.card)
        likelihood = biases.log_likelihood(test.user, test.card, test.x)
        parts.setdefault(BIASES, []).append(Prediction(likelihood, error**2))
        if with_biases is not None:
            rest = train.x - biases.predict(train.user, train.card)
            left = Interactions(train.user, train.card, rest, train.users, train.cards)
            groups = fitted(left, *with_biases, rng, restarts=3, polish_passes=40)
            name = f"{BIASES}+{name_of(with_biases)}"
            parts.setdefault(name, []).append(predict_held_out(groups, test.user, test.card, error))
    return {name: _joined(name, predictions) for name, predictions in parts.items()}


def _joined(name: str, predictions: list[Prediction]) -> Score:
    return Score(
        name=name,
        log_likelihood=np.concatenate([part.log_likelihood for part in predictions]),
        squared_error=np.concatenate([part.squared_error for part in predictions]),
    )


def chosen_shape(scores: dict[str, Score], shapes: list[Shape]) -> Shape:
    """Choose the smallest shape that is within one standard error of the best held-out likelihood.

    So where there is no structure, one group is what is reported.
    """
    best = max((scores[name_of(shape)] for shape in shapes), key=lambda score: score.mean_log_likelihood)
    for shape in sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape)):
        behind, error = best.gain_over(scores[name_of(shape)])
        if behind <= error:
            return shape
    raise AssertionError("the best shape is within one standard error of itself")


def candidates(largest: Shape) -> list[Shape]:
    """List shapes up to the largest: one, half and all of its groups on either side.

    >>> candidates((6, 1))
    [(1, 1), (3, 1), (6, 1)]
    """
    users, cards = (sorted({1, (size + 1) // 2, size}) for size in largest)
    return [(g, k) for g in users for k in cards]
