"""Compiles what numba compiles, before the first event needs it."""

import numpy as np

from processors.cards import Cards
from processors.cocluster.learner import CoClusterLearner
from processors.cocluster.settings import LearnerSettings
from processors.learner import Learner
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.settings import RankingSettings
from processors.wire.impressions import impressions_of
from processors.wire.stream_ends import stream_ends_of
from schemas.catalogue import CatalogueCard
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import OutcomeSettled, OutcomesSettled


def warm_up() -> None:
    """Run a tiny learner through all it can do, and rank one page: afterwards no batch waits for a compiler.

    The machine code is kept beside the modules, so only the first start on a machine takes its time.
    """
    settings = LearnerSettings(user_groups=2, card_groups=2, warmup_events=60, refresh_events=60, restarts=1)
    learner = CoClusterLearner(settings, seed=0)
    rng = np.random.default_rng(0)
    for batch in range(4):
        event_ms = np.arange(60, dtype=np.int64) + 60 * batch
        learner.learn(rng.integers(20, size=60), rng.integers(10, size=60), rng.exponential(60.0, 60), event_ms)
    rows = [(key, value) for key, value in learner.rows_changed() if value is not None]
    CoClusterLearner.restore(settings, 0, rows)
    learner.model().fold_in_users(np.array([0, 1]), np.ones((1, 2)) / 2.0, np.ones(1))
    learned = Learned(("mean",))
    learned.put_card("c", CatalogueCard(card_id="c", title="c", shelves=("s",)))
    request = RankingRequest(user_id="u", ranking_number=1, event_ms=0, plays=(), sources={})
    PageMaker.of(RankingSettings()).rank(learned, [request])
    for columns_of in (impressions_of, stream_ends_of):
        columns_of([])
    _warm_up_tasks()


def _warm_up_tasks() -> None:
    """Let cards count one outcome, and a listener's one stream get to the learner."""
    cards = Cards(("static",))
    outcome = OutcomeSettled(
        impression_id="i", row=0, slot=0, shelf_id="s", user_id="u", card_id="c", shown_ms=0, settled_ms=1,
        played_ms=1, stream_count=1, propensity=1.0, user_weights=(1.0,),
    )  # fmt: skip
    cards.outcomes([OutcomesSettled.of([outcome])])
    interaction = Interaction(event_id="s", user_id="u", card_id="c", event_ms=0, played_ms=1)
    Learner(LearnerSettings(), ("static",), 0).interactions([Interactions.of("l", [interaction])])
