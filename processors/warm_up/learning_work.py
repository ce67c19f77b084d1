"""Warm-up work: counts outcomes of cards, and learns co-clusters."""

import numpy as np

from processors.cards import Cards
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.learner import Learner
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import OutcomeSettled, OutcomesSettled

USERS, CARDS, ROWS = 20, 20, 60
FEW = 16
"""Fewer than needed, so that some are evicted."""


def count_outcomes() -> None:
    """Count one outcome."""
    cards = Cards(("static",))
    outcome = OutcomeSettled(
        impression_id="i", row=0, slot=0, shelf_id="s", user_id="u", card_id="c", shown_ms=0, settled_ms=1,
        played_ms=1, stream_count=1, propensity=1.0, user_weights=(1.0,),
    )  # fmt: skip
    cards.outcomes([OutcomesSettled.of([outcome])])


def learn() -> None:
    """Run all operations of a tiny learner, and the way of a listener's stream to the learner."""
    settings = LearnerSettings(
        user_groups=2,
        card_groups=2,
        warmup_events=ROWS,
        refresh_events=ROWS,
        restarts=1,
        max_users=FEW,
        max_cards=FEW,
    )
    learner = CoClusterLearner(settings, seed=0)
    rng = np.random.default_rng(0)
    for batch in range(4):
        event_ms = np.arange(ROWS, dtype=np.int64) + ROWS * batch
        learner.learn(
            rng.integers(USERS, size=ROWS), rng.integers(CARDS, size=ROWS), rng.exponential(60.0, ROWS), event_ms
        )
    learner.withdraw(int(learner.memory.users.id_of.max()))
    rows = [(key, value) for key, value in learner.rows_changed() if value is not None]
    CoClusterLearner.restore(settings, 0, rows)
    learner.model().fold_in_users(np.array([0, 1]), np.ones((1, 2)) / 2.0, np.ones(1))
    interaction = Interaction(event_id="s", user_id="u", card_id="c", event_ms=0, played_ms=1)
    Learner(LearnerSettings(), ("static",), 0).interactions([Interactions.of("l", [interaction])])
