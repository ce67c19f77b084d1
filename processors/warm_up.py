"""Compiles what numba compiles, before the first event needs it."""

import numpy as np

from processors.cards import Cards
from processors.cocluster.learner import CoClusterLearner
from processors.cocluster.settings import LearnerSettings
from processors.learner import Learner
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.settings import RankingSettings
from processors.settlement.compaction import with_exposures_together, with_text_together
from processors.settlement.settings import SettlementSettings
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression, ShownShelf
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import OutcomeSettled, OutcomesSettled
from schemas.stream_ends import StreamEnd


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
    _warm_up_tasks()
    _warm_up_settlement()


def _warm_up_settlement() -> None:
    """Let one page settle and be corrected, and take the state up again."""
    settings = ListenersSettings(settlement=SettlementSettings(lateness_ms=0))
    core = Listeners(settings, source="l")
    shelf = ShownShelf(shelf_id="s", cards=("c",), propensities=(1.0,), seen=(0,))
    day_ms = settings.settlement.correction_ms // 2
    for event_ms in (0, day_ms):
        page = Impression(event_id=f"i{event_ms}", user_id="u", event_ms=event_ms, shelves=(shelf,))
        stream = StreamEnd(
            event_id=f"s{event_ms}", user_id="u", card_id="c", started_ms=0, event_ms=event_ms, played_ms=0
        )
        core.impressions([(0, page)])
        core.stream_ends([(0, stream)])
    core.conclude()
    core.restore((key, value) for key, value in core.changed_rows() if value is not None)
    with_exposures_together(with_text_together(core.settlement.book))


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
