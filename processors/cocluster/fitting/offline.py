"""Co-clustering of a complete table of interactions: groups, held-out error, gain over simpler models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.fitting.clusterer import Clusterer
from processors.cocluster.fitting.global_moves import fitted
from processors.cocluster.fitting.normal_scores import on_normal_scores
from processors.cocluster.fitting.shape_scores import Score, mean_and_error
from processors.cocluster.fitting.shapes import (
    BIASES,
    Shape,
    candidates,
    chosen_shape,
    compare,
    fold_numbers,
    name_of,
    one_sided,
)
from processors.cocluster.model.soft_groups import Interactions, SoftGroups
from processors.telling import Tell, nobody

SPAWN_KEY = 0x6F66666C  # "offl"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineSettings:
    """What to fit, and what to hold out: one share of the interactions, or all of them by folds."""

    user_groups: int
    card_groups: int
    holdout_share: float = 0.2
    folds: int = 1  # 1: hold out `holdout_share` once
    widely: bool = False  # also compare shapes with half of the groups, not only one-sided ones
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate."""
        if min(self.user_groups, self.card_groups, self.folds) < 1:
            raise ValueError("groups and folds must be at least 1")
        if not 0.0 < self.holdout_share <= 0.5:
            raise ValueError("the held-out share must be above 0 and at most 0.5")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfflineResult:
    """The fit of the requested shape on all data, and the comparison of shapes on held-out interactions.

    `scores` are of x, `evidence` is of the same shapes on normal scores of x, by which the shape is chosen.
    """

    settings: OfflineSettings
    groups: SoftGroups
    scores: dict[str, Score]
    evidence: dict[str, Score]
    chosen: Shape

    @property
    def requested(self) -> Score:
        """The requested shape's score."""
        return self.scores[name_of((self.settings.user_groups, self.settings.card_groups))]

    def summary(self) -> dict[str, Any]:
        """As plain values for JSON."""
        shape = (self.settings.user_groups, self.settings.card_groups)
        rivals = dict(zip(("cards_only", "users_only", "one_group"), map(name_of, one_sided(shape)), strict=True))
        rivals["biases"] = BIASES
        return {
            "user_groups": shape[0],
            "card_groups": shape[1],
            "chosen_shape": list(self.chosen),
            "held_out": {
                "interactions": len(self.requested.squared_error),
                "rmse_log": self.requested.rmse,
                "log_likelihood": self.requested.mean_log_likelihood,
                "models": {
                    name: {"rmse_log": score.rmse, "log_likelihood": score.mean_log_likelihood}
                    for name, score in self.scores.items()
                },
                "gain": {label: self._gain(self.scores[name]) for label, name in rivals.items()},
                "evidence": {name: self._evidence(score) for name, score in self.evidence.items()},
            },
            **described(self.groups),
        }

    def _gain(self, rival: Score) -> dict[str, float | None]:
        nats, error = self.requested.gain_over(rival)
        return {
            "log_likelihood": nats,
            "standard_error": error,
            "null": None if rival.name == BIASES else self.requested.null_over(rival),
            "rmse_log": rival.rmse - self.requested.rmse,
        }

    def _evidence(self, score: Score) -> dict[str, float | bool]:
        """Gain over one group on normal scores, its null, and the error of the excess over the null."""
        one = self.evidence[name_of((1, 1))]
        return {
            "gain": score.gain_over(one)[0],
            "null": score.null_over(one),
            "standard_error": mean_and_error(score.net)[1],
            "supported": score.is_supported,
        }


def described(groups: SoftGroups) -> dict[str, Any]:
    """Sizes of groups and their blocks as plain values."""
    blocks = groups.parameters
    return {
        "users_per_group": _sizes(groups.user),
        "cards_per_group": _sizes(groups.card),
        "blocks": {
            "mean_log": blocks.mean.tolist(),
            "sd_log": np.sqrt(blocks.variance).tolist(),
            "typical_seconds": np.expm1(blocks.mean).tolist(),
            "interactions": blocks.count.tolist(),
        },
    }


def _sizes(responsibility: FloatArray) -> list[int]:
    sizes: list[int] = np.bincount(responsibility.argmax(axis=1), minlength=responsibility.shape[1]).tolist()
    return sizes


def cocluster_offline(
    data: Interactions,
    settings: OfflineSettings,
    beside: Mapping[str, Clusterer] | None = None,
    tell: Tell = nobody,
) -> OfflineResult:
    """Compare shapes on held-out interactions, then fit the requested shape on all of them.

    `beside` are other groupings to score on the same folds: by counts, or given from outside. `tell` receives progress.
    """
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(SPAWN_KEY,)))
    shape = (settings.user_groups, settings.card_groups)
    shapes = list(dict.fromkeys([*one_sided(shape), shape, *(candidates(shape) if settings.widely else [])]))
    folds = settings.folds if settings.folds > 1 else round(1.0 / settings.holdout_share)
    fold = fold_numbers(len(data), folds, rng)
    if settings.folds == 1:
        fold = np.where(fold == 0, 0, -1)
    scores = compare(data, shapes, fold, rng, with_biases=shape, beside=beside, tell=tell)
    of_evidence = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(SPAWN_KEY, 1)))
    ranked = on_normal_scores(data, of_evidence)
    evidence = compare(ranked, shapes, fold, of_evidence, beside=beside, tell=tell)
    tell("fitting all interactions", 0)
    return OfflineResult(
        settings=settings,
        groups=fitted(data, *shape, rng),
        scores=scores,
        evidence=evidence,
        chosen=chosen_shape(evidence, shapes),
    )
