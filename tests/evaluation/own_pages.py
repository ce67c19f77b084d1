"""Our own pages, all the way: ranked, shown, sent back, settled; and the weights of a uniform policy on them."""

from typing import Any

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.logged_shelves import logged_shelves, slates_of, uniform_target
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings
from processors.worlds.home_page import HomePageSettings
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.outcomes import OutcomeSettled
from tests.pure_loop import PureLoop

SLOTS = 4
STEP_MS = 60_000
"""So short that a ranking is hardly ever shown twice: its draws would be counted twice."""


def outcomes(
    policy: str, seed: int, hours: float, epsilon: float = 0.2, control_share: float = 0.0
) -> tuple[PureLoop, list[OutcomeSettled]]:
    """The outcomes of pages ranked by this policy; those of the control are random pages."""
    ranking = RankingSettings(policy=policy, epsilon=epsilon, slots_max=SLOTS, temperature=0.1, seed=seed)
    loop = PureLoop(
        SatisfactionWorld(world_settings("W1", users=200, cards=60), world_seed=seed),
        listeners=ListenersSettings(ranking=ranking, rewards=("static", "mean"), settlement=SettlementSettings()),
        learner=LearnerSettings(warmup_events=500),
        drift=DriftSettings(),
        visits_per_minute=40.0,
        seed=seed,
        home=HomePageSettings(control_share=control_share),
    )
    for _ in range(round(hours * 3_600_000 / STEP_MS)):
        loop.step(STEP_MS)
    return loop, loop.outcomes


def uniform_on(loop: PureLoop, settled: list[OutcomeSettled]) -> dict[str, Slates]:
    """By shelf, the log with weights of showing any order of its cards; they are one for pages of the control."""
    items = {name: len(rows) for name, rows in loop.listeners.learned.catalogue.shelves(deduplicated=True).items()}
    shelves = logged_shelves(settled)
    return {
        name: slates_of(
            [shelf for shelf in shelves if shelf.shelf_id == name],
            uniform_target(count),
            lambda played_ms: float(played_ms >= 30_000),
            SLOTS,
        )
        for name, count in items.items()
    }


def uniform_rows(loop: PureLoop, settled: list[OutcomeSettled]) -> FloatArray:
    """For the pages, weights of all orders of shelves being as likely, down to the last row that was seen."""
    last: dict[str, OutcomeSettled] = {}
    for one in settled:
        if one.impression_id not in last or one.row > last[one.impression_id].row:
            last[one.impression_id] = one
    count = len(loop.listeners.learned.catalogue.shelves(deduplicated=True))
    target = -np.cumsum(np.log(count - np.arange(count)))
    return np.array([np.exp(target[one.row] - (one.row_log_propensity or 0.0)) for one in last.values()])


def off_one(weights: Any) -> float:
    """Distance of the mean weight from one, in its standard errors."""
    return float(abs(weights.mean() - 1.0) / max(weights.std() / np.sqrt(len(weights)), 1e-9))
