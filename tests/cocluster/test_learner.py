"""The online learner on planted worlds small enough to run in seconds."""

import numpy as np
import pytest

from processors.cocluster.model.time_bins import COUNT
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import BlockHistory, BlockWorld, generate

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
    one, other = (learned(history, LearnerSettings(restarts=2), seed=5, batch=batch).model() for batch in (137, 10_000))
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
    assert set(gone_users) == set(last) - remembered, "each that is not remembered any more, once"
    assert set(gone_cards) == set(history.card.tolist()) - set(memory.cards.id_of[memory.card_slots()].tolist())


def test_forgetting_follows_a_change_that_remembering_averages_away() -> None:
    world = BlockWorld(users=80, cards=40, user_groups=1, card_groups=1, streams_per_user=150, noise_sd=0.4)
    history = generate(world, world_seed=12)
    late = np.arange(len(history)) >= len(history) // 2
    seconds = np.where(late, (history.seconds + 1) * np.exp(1.5) - 1, history.seconds)
    means = []
    for half_life_ms in (0, 30_000):
        settings = LearnerSettings(user_groups=1, card_groups=1, half_life_ms=half_life_ms, ring=16)
        learner = CoClusterLearner(settings, seed=13)
        learner.learn(history.user, history.card, seconds, history.event_ms)
        means.append(float(learner.model().mean[0, 0]))
    now = float(history.block_mean[0, 0]) + 1.5
    assert abs(means[1] - now) < 0.1
    assert means[0] < now - 0.4


def test_only_a_real_change_of_groups_is_a_new_generation() -> None:
    history = generate(WORLD, world_seed=14)
    settings = LearnerSettings(warmup_events=6_000, stuck_test=False)
    learner = learned(history, settings, seed=15, batch=500)
    before = learner.model()
    learner.rethink()
    after = learner.model()
    assert after.generation == before.generation == 1
    np.testing.assert_allclose(after.mean, before.mean, atol=0.15)
    assert learner.user_overlap.shape == (6, 6)


def test_cards_are_reported_when_they_move_and_not_again_when_they_rest() -> None:
    history = generate(WORLD, world_seed=16)
    learner = learned(history, LearnerSettings(), seed=17, batch=2_000)
    first = learner.changed_cards()
    assert set(first.tolist()) == set(history.card.tolist())
    assert len(learner.changed_cards()) == 0
    logits = learner.card_logits(np.array([0, 10**6]))
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1.0)
    np.testing.assert_allclose(logits[1], np.log(learner.model().card_prior))


def test_what_left_its_ring_before_the_first_fit_is_counted_and_the_rest_is_in_the_blocks() -> None:
    world = BlockWorld(users=30, cards=40, user_groups=2, card_groups=2, streams_per_user=60, noise_sd=0.5)
    history = generate(world, world_seed=3)
    order = np.argsort(history.user, kind="stable")  # one user after the other: rings overflow during the warm-up
    learner = CoClusterLearner(LearnerSettings(user_groups=2, card_groups=2, warmup_events=900, ring=16), seed=4)
    learner.learn(history.user[order], history.card[order], history.seconds[order], history.event_ms)
    assert learner.state.unplaced_count > 100
    placed = float(learner.streaming_sums()[COUNT].sum())
    np.testing.assert_allclose(placed + learner.state.unplaced_count, len(history), atol=1.0)
    again = CoClusterLearner.restore(learner.settings, 4, dict(learner.rows_changed()).items())
    assert again.state.unplaced_count == learner.state.unplaced_count
