"""The online learner on planted worlds small enough to run in seconds."""

import numpy as np
import pytest

from processors.cocluster.learner import CoClusterLearner
from processors.cocluster.settings import LearnerSettings
from processors.worlds.blocks import BlockHistory, BlockWorld, generate
from tests.cocluster.agreement import adjusted_rand

WORLD = BlockWorld(users=400, cards=120, user_groups=6, card_groups=6, streams_per_user=25, noise_sd=0.7)


def learned(history: BlockHistory, settings: LearnerSettings, *, seed: int, batch: int) -> CoClusterLearner:
    learner = CoClusterLearner(settings, seed)
    for start in range(0, len(history), batch):
        part = slice(start, start + batch)
        learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
    return learner


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_small_world_is_recovered_in_one_pass(seed: int) -> None:
    history = generate(WORLD, world_seed=seed)
    learner = learned(history, LearnerSettings(), seed=seed, batch=700)
    users = learner.user_groups(np.arange(WORLD.users)).argmax(axis=1)
    cards = learner.card_logits(np.arange(WORLD.cards)).argmax(axis=1)
    assert adjusted_rand(users, history.user_group) > 0.9
    assert adjusted_rand(cards, history.card_group) > 0.9


def test_the_way_interactions_are_batched_changes_no_byte() -> None:
    history = generate(WORLD, world_seed=4)
    one, other = (
        learned(history, LearnerSettings(restarts=2), seed=5, batch=batch).model() for batch in (137, 10_000)
    )
    assert one.mean.tobytes() == other.mean.tobytes()
    assert one.count.tobytes() == other.count.tobytes()


def test_a_learner_restored_from_its_rows_goes_on_as_well_as_one_that_never_stopped() -> None:
    history = generate(WORLD, world_seed=6)
    settings = LearnerSettings(restarts=2, ring=16)
    rows: dict[bytes, bytes] = {}
    learner = CoClusterLearner(settings, seed=7)
    for start in range(0, len(history), 2_000):
        part = slice(start, start + 2_000)
        learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])
        for key, row in learner.rows_changed():
            if row is None:
                del rows[key]
            else:
                rows[key] = row
        before = learner
        learner = CoClusterLearner.restore(settings, 7, rows.items())
        assert learner.state.events_count == before.state.events_count
        assert learner.memory.edges_count() == before.memory.edges_count()
        every = np.arange(WORLD.users)
        same = learner.user_groups(every).argmax(axis=1) == before.user_groups(every).argmax(axis=1)
        assert same.mean() > 0.85
    cards = learner.card_logits(np.arange(WORLD.cards)).argmax(axis=1)
    assert adjusted_rand(cards, history.card_group) > 0.9


def test_bounds_hold_and_the_least_recent_leave_first() -> None:
    history = generate(WORLD, world_seed=8)
    settings = LearnerSettings(
        restarts=2, max_users=160, max_cards=64, max_edges=900, warmup_events=600, polish_passes=15
    )
    learner = learned(history, settings, seed=9, batch=333)
    memory = learner.memory
    assert memory.edges_count() <= 900
    assert len(memory.user_slots()) <= 160
    assert len(memory.card_slots()) <= 64
    assert memory.users_evicted_count > 0
    last = {user: number for number, user in enumerate(history.user.tolist())}
    remembered = set(memory.users.id_of[memory.user_slots()].tolist())
    forgotten = [number for user, number in last.items() if user not in remembered]
    assert min(last[user] for user in remembered) > max(forgotten)
    gone_users, gone_cards = memory.departed()
    assert len(gone_users) == memory.users_evicted_count
    assert len(gone_cards) == memory.cards_evicted_count
