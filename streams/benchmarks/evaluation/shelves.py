"""Slate estimators in planted worlds: which order shelves as the truth does, and which errors they survive."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.slates.cascade_dr import CascadeDoublyRobust
from processors.evaluation.estimators.slates.columns import Slates
from processors.evaluation.estimators.slates.iips import IndependentSlots, SlotSelfNormalised
from processors.evaluation.estimators.slates.joint import SlateInversePropensity, SlateSelfNormalised
from processors.evaluation.estimators.slates.pseudo_inverse import PseudoInverse
from processors.evaluation.estimators.slates.rips import RewardInteraction, RewardInteractionSelfNormalised
from processors.worlds.shelves import ShelfWorld

SLOTS, ITEMS = 4, 6
MAKE: dict[str, Callable[[], Estimator[Slates]]] = {
    "slate-ips": SlateInversePropensity,
    "slate-snips": SlateSelfNormalised,
    "iips": IndependentSlots,
    "slot-snips": lambda: SlotSelfNormalised(SLOTS),
    "rips": RewardInteraction,
    "rips-sn": lambda: RewardInteractionSelfNormalised(SLOTS),
    "cascade-dr": CascadeDoublyRobust,
    "pseudo-inverse": PseudoInverse,
}
LOGGED = 0.9
"""Share of shelves in which the logging policy shows any order; else it shows a middling one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvesSettings:
    """How many worlds, and shelves logged in each."""

    worlds: int = 30
    shelves: int = 50_000
    seed: int = 1


def bench_shelves(settings: ShelvesSettings, on_row: Callable[[str], None]) -> dict[str, Any]:
    """Of every estimator: how often it orders the best, random and the worst shelf rightly, errors, mean weights."""
    runs = []
    for number in range(settings.worlds):
        runs.append(_world(settings.seed + number, settings.shelves))
        right = ", ".join(name for name in MAKE if runs[-1]["ordered"][name])
        on_row(f"world {number + 1} of {settings.worlds}: in the order of the truth by {right or 'none'}")
    return {
        "benchmark": "shelves",
        "worlds": settings.worlds,
        "shelves": settings.shelves,
        "estimators": {name: _summed([run["found"][name] for run in runs], _share(runs, name)) for name in MAKE},
        "cascade-dr, error in standard errors": {
            case: float(np.sqrt(np.mean([run["robust"][case] ** 2 for run in runs]))) for case in runs[0]["robust"]
        },
    }


def _share(runs: list[dict[str, Any]], name: str) -> float:
    return float(np.mean([run["ordered"][name] for run in runs]))


def _summed(found: list[list[tuple[Estimate, float]]], ordered: float) -> dict[str, float | None]:
    every = [one for run in found for one in run]
    errors = np.array([(estimate.value - truth) / truth for estimate, truth in every])
    off = np.array([(one.weight_mean - 1.0) / max(one.weight_mean_error, 1e-12) for one, _ in every])
    return {
        "ordered_as_the_truth": ordered,
        "relative_rmse": float(np.sqrt((errors**2).mean())),
        "relative_bias": float(errors.mean()),
        "covered": _covered(every),
        "mean_weight": float(np.mean([one.weight_mean for one, _ in every])),
        "mean_weight_off_in_errors": float(np.sqrt((off**2).mean())),
        "shown": float(np.mean([one.verdict.is_shown for one, _ in every])),
        "covered_of_shown": _covered([pair for pair in every if pair[0].verdict.is_shown]),
    }


def _covered(pairs: list[tuple[Estimate, float]]) -> float | None:
    """Share of intervals that hold the truth; none where there is no interval."""
    return float(np.mean([one.low <= truth <= one.high for one, truth in pairs])) if pairs else None


def _world(seed: int, count: int) -> dict[str, Any]:
    world = ShelfWorld(seed, ITEMS, SLOTS)
    earned = world.rates.sum(axis=1)
    middling = int(np.argsort(earned)[len(earned) // 2])
    logging = world.showing(middling, epsilon=LOGGED)
    targets = [world.showing(int(earned.argmax())), world.uniform, world.showing(int(earned.argmin()))]
    truths = [world.value(target) for target in targets]
    logs = [world.draw(logging, target, count, seed) for target in targets]
    found = {name: [(_estimate(name, log), truth) for log, truth in zip(logs, truths, strict=True)] for name in MAKE}
    values = {name: [estimate.value for estimate, _ in row] for name, row in found.items()}
    ordered = {name: row[0] > row[1] > row[2] for name, row in values.items()}
    return {"found": found, "ordered": ordered, "robust": _robust(world, middling, count, seed)}


def _estimate(name: str, log: Slates) -> Estimate:
    estimator = MAKE[name]()
    estimator.add(log)
    return estimator.estimate()


def _robust(world: ShelfWorld, preferred: int, count: int, seed: int) -> dict[str, float]:
    """Errors of `cascade-dr` in its standard errors: model and propensities right, one of them wrong, both wrong.

    Half of the shelves are the preferred one; wrong propensities say that all orders are as likely.
    """
    logging = world.showing(preferred, epsilon=0.5)
    target = world.showing(int(world.rates.sum(axis=1).argmax()), epsilon=0.5)
    wrong_model = np.full_like(world.rates, float(world.rates.mean()))
    told = {}
    for case, model, believed in (
        ("both right", None, logging),
        ("model wrong", wrong_model, logging),
        ("propensities wrong", None, world.uniform),
        ("both wrong", wrong_model, world.uniform),
    ):
        log = world.draw(logging, target, count, seed, model, believed)
        found = _estimate("cascade-dr", log)
        told[case] = (found.value - world.value(target)) / found.standard_error
    return told
