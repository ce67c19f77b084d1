"""What may be set to happen while a severe incident of drift is in progress; by default nothing does."""

from dataclasses import replace

import numpy as np

from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.learner import Learner
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.blocks import BlockHistory, BlockWorld, generate
from schemas.monitoring import DriftIncident
from schemas.rankings import ShelfRanking
from tests.builders import card, impression, incident

WORLD = BlockWorld(users=200, cards=60, user_groups=2, card_groups=2, streams_per_user=20, noise_sd=0.5)
QUICK = LearnerSettings(user_groups=2, card_groups=2, restarts=2, rethink_growth=1e9, stuck_test=False)


def policies(ranking: RankingSettings, *told: DriftIncident) -> list[str]:
    """The policy of a page before anything is told, and after each message."""
    core = Listeners(ListenersSettings(ranking=ranking), source="l")
    for name in ("c1", "c2"):
        core.learned.put_card(name, card(card_id=name))
    found: list[str] = []
    for number, message in enumerate((None, *told)):
        if message is not None:
            core.put_incident(message.incident_id, message)
        core.impressions([(number, impression(event_id=f"i{number}", event_ms=number))])
        pages = [one for one in core.conclude().everything() if isinstance(one, ShelfRanking)]
        found += [page.policy_version for page in pages]
    return found


def test_pages_explore_more_while_a_severe_incident_is_in_progress() -> None:
    usual, more = "epsilon-greedy-0.1", "epsilon-greedy-0.4"
    told = (
        incident("a", severity="notable"),
        incident("a", number=2, state="grown"),
        incident("b"),
        incident("a", number=3, state="closed"),
        incident("b", number=2, state="closed"),
    )
    assert policies(RankingSettings(drift_epsilon=0.4), *told) == [usual, usual, more, more, more, usual]
    assert policies(RankingSettings(), *told) == [usual] * 6


def part(history: BlockHistory, learner: CoClusterLearner, start: int, end: int) -> None:
    rows = slice(start, end)
    learner.learn(history.user[rows], history.card[rows], history.seconds[rows], history.event_ms[rows])


def test_the_learner_rethinks_once_for_each_severe_incident_also_after_a_restart() -> None:
    history = generate(WORLD, world_seed=2)
    settings = replace(QUICK, rethink_on_drift=True)
    learner = CoClusterLearner(settings, seed=3)
    part(history, learner, 0, 2_000)
    fitted = learner.state.rethought_count
    learner.drift.note(500, learner.state)
    part(history, learner, 2_000, 2_600)
    assert learner.state.rethought_count == fitted + 1
    rows = {key: row for key, row in learner.rows_changed() if row is not None}
    again = CoClusterLearner.restore(settings, 3, rows.items())
    again.drift.note(500, again.state)
    part(history, again, 2_600, 3_200)
    assert again.state.rethought_count == fitted + 1
    again.drift.note(900, again.state)
    part(history, again, 3_200, 4_000)
    assert again.state.rethought_count == fitted + 2


def test_the_learner_forgets_sooner_while_a_severe_incident_is_in_progress() -> None:
    world = BlockWorld(users=80, cards=40, user_groups=1, card_groups=1, streams_per_user=150, noise_sd=0.4)
    history = generate(world, world_seed=12)
    half = len(history) // 2
    late = np.arange(len(history)) >= half
    seconds = np.where(late, (history.seconds + 1) * np.exp(1.5) - 1, history.seconds)
    history = replace(history, seconds=seconds)
    now, means = float(history.block_mean[0, 0]) + 1.5, []
    for since_ms in (0, 1):
        settings = LearnerSettings(user_groups=1, card_groups=1, drift_half_life_ms=30_000, ring=16)
        learner = CoClusterLearner(settings, seed=13)
        part(history, learner, 0, half)
        learner.drift.note(since_ms, learner.state)
        part(history, learner, half, len(history))
        means.append(float(learner.model().mean[0, 0]))
    assert means[0] < now - 0.4
    assert abs(means[1] - now) < 0.1


def test_a_row_from_before_incidents_were_noted_is_read() -> None:
    learner = CoClusterLearner(QUICK, seed=1)
    learner.state.drift_ms = 7
    structure = learner.state.structure(np.zeros((3, 2, 2)))
    older = replace(structure, counters=structure.counters[:-1])
    assert type(learner.state).from_structure(structure)[0].drift_ms == 7
    assert type(learner.state).from_structure(older)[0].drift_ms == 0


def test_an_incident_that_is_over_by_the_end_of_what_is_read_moves_nothing() -> None:
    core = Learner(replace(QUICK, rethink_on_drift=True), ("static",), seed=3)
    part(generate(WORLD, world_seed=2), core.learner, 0, 2_000)
    opened, closed = incident("a", opened_ms=500), incident("a", number=2, state="closed", opened_ms=500)
    core.put_incidents([("a", opened), ("a", closed)])
    assert not core.learner.drift.rethink_due
    core.put_incidents([("a", opened)])
    assert core.learner.drift.rethink_due
