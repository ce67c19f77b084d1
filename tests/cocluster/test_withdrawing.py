"""A user who asks to be forgotten is taken out of blocks and cards again: exactly, once, as far as is remembered."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cocluster.fitting.edge_store import NONE
from processors.cocluster.model.time_bins import COUNT, SECONDS_TOTAL
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.cocluster.online.state_rows import STRUCTURE_KEY, Structure
from processors.worlds.blocks import BlockHistory, BlockWorld, generate

WORLD = BlockWorld(users=30, cards=20, user_groups=2, card_groups=2, streams_per_user=12, noise_sd=0.5)
HOW = LearnerSettings(user_groups=2, card_groups=2, warmup_events=150, refresh_events=50, restarts=1)
HISTORY = generate(WORLD, world_seed=3)


def fed(learner: CoClusterLearner, history: BlockHistory, part: slice) -> None:
    learner.learn(history.user[part], history.card[part], history.seconds[part], history.event_ms[part])


def learned(how: LearnerSettings = HOW, until: int = len(HISTORY)) -> CoClusterLearner:
    learner = CoClusterLearner(how, seed=1)
    fed(learner, HISTORY, slice(0, until))
    return learner


@settings(max_examples=15)
@given(st.sets(st.integers(0, WORLD.users - 1), min_size=1, max_size=WORLD.users - 1))
def test_blocks_are_those_of_all_others_and_cards_have_heard_only_of_them(gone: set[int]) -> None:
    learner = learned()
    for user in [*sorted(gone), *sorted(gone)]:
        learner.withdraw(user)
    stay = ~np.isin(HISTORY.user, sorted(gone))
    sums, x = learner.streaming_sums().sum(axis=(1, 2)), np.log1p(HISTORY.seconds)
    assert learner.state.withdrawn_count == np.count_nonzero(~stay)
    np.testing.assert_allclose(sums[COUNT], np.count_nonzero(stay), rtol=1e-5)
    np.testing.assert_allclose(sums[1:3], [x[stay].sum(), (x[stay] ** 2).sum()], rtol=1e-5)
    np.testing.assert_allclose(sums[SECONDS_TOTAL], HISTORY.seconds[stay].sum(), rtol=1e-5)
    np.testing.assert_allclose(learner.model().count.sum(), np.count_nonzero(stay), rtol=1e-5)
    memory, heard = learner.memory, np.zeros_like(learner.memory.nodes.card_evidence)
    sample, _, cards = memory.sample(10**6, np.random.default_rng(0))
    assert len(sample.x) == np.count_nonzero(stay)
    edges = np.flatnonzero(np.isin(memory.pool.card, cards) & (memory.pool.to_card != 0.0).any(axis=1))
    linked = [edge for edge in edges if is_linked(learner, int(edge))]
    np.add.at(heard, memory.pool.card[linked], memory.pool.to_card[linked])
    np.testing.assert_allclose(memory.nodes.card_evidence, heard, atol=1e-4)


def is_linked(learner: CoClusterLearner, edge: int) -> bool:
    """Whether an edge is in a ring, and not in the list of free ones."""
    free, pool = int(learner.memory.free[0]), learner.memory.pool
    while free not in {NONE, int(learner.memory.free[1])}:
        if free == edge:
            return False
        free = int(pool.following[free])
    return True


@settings(max_examples=10)
@given(st.lists(st.integers(160, 340), min_size=3, max_size=3, unique=True), st.integers(0, 7))
def test_neither_batches_nor_what_is_read_or_kept_between_change_a_byte(places: list[int], told: int) -> None:
    def run(*, asks: bool) -> bytes:
        learner, cuts = CoClusterLearner(HOW, seed=1), [0, *sorted(places), len(HISTORY)]
        for number, (start, end) in enumerate(pairwise(cuts)):
            fed(learner, HISTORY, slice(start, end))
            learner.withdraw(number)
            if asks and told & 1:
                learner.streaming_sums()
            if asks and told & 2:
                list(learner.rows_changed())
            learner.withdraw(number + 10)
            if asks and told & 4:
                learner.streaming_sums()
        return learner.streaming_sums().tobytes()

    assert run(asks=True) == run(asks=False)


def test_what_had_left_a_ring_stays_in_sums_and_is_not_counted_as_withdrawn() -> None:
    learner = learned(LearnerSettings(user_groups=2, card_groups=2, warmup_events=150, restarts=1, ring=4))
    placed = learner.streaming_sums()[COUNT].sum()
    learner.withdraw(0)
    assert learner.state.withdrawn_count == 4
    np.testing.assert_allclose(learner.streaming_sums()[COUNT].sum(), placed - 4, atol=1e-2)


def test_one_who_leaves_before_the_first_fit_was_never_placed() -> None:
    learner = learned(until=100)
    came = int(np.count_nonzero(HISTORY.user[:100] == HISTORY.user[0]))
    learner.withdraw(int(HISTORY.user[0]))
    assert learner.state.withdrawn_count == 0
    fed(learner, HISTORY, slice(100, 150))
    assert learner.ready
    assert learner.state.unplaced_count == came


def test_one_block_goes_back_to_the_mean_of_those_who_stay() -> None:
    how = LearnerSettings(user_groups=1, card_groups=1, warmup_events=150, refresh_events=50)
    learner = CoClusterLearner(how, seed=1)
    odd = HISTORY.user < 5
    learner.learn(HISTORY.user, HISTORY.card, np.where(odd, 50_000.0, HISTORY.seconds), HISTORY.event_ms)
    version = learner.model().version
    for user in range(5):
        learner.withdraw(user)
    model = learner.model()
    assert model.version == version + 1, "it is published anew"
    np.testing.assert_allclose(model.mean[0, 0], np.log1p(HISTORY.seconds[~odd]).mean(), rtol=0.01)


def test_ages_are_those_of_the_last_sweep() -> None:
    aging = LearnerSettings(user_groups=2, card_groups=2, warmup_events=150, restarts=1, half_life_ms=200)
    learner = learned(aging)
    learner.sweep()
    stay = HISTORY.user != 0
    age = learner.state.now_ms - HISTORY.event_ms[stay]
    learner.withdraw(0)
    np.testing.assert_allclose(learner.streaming_sums()[COUNT].sum(), (0.5 ** (age / 200)).sum(), rtol=1e-4)


@pytest.mark.parametrize("is_old", [False, True])
def test_how_much_was_withdrawn_is_kept_and_rows_of_before_say_nothing(is_old: bool) -> None:
    learner = learned()
    if not is_old:
        learner.withdraw(3)
    rows = dict(learner.rows_changed())
    kept = Structure.read(rows[STRUCTURE_KEY] or b"")
    if is_old:
        rows[STRUCTURE_KEY] = Structure(counters=kept.counters[:-1], arrays=kept.arrays).row()
    again = CoClusterLearner.restore(HOW, 1, ((key, row) for key, row in rows.items() if row is not None))
    assert again.state.withdrawn_count == learner.state.withdrawn_count == (0 if is_old else 12)
    assert again.state.events_count == len(HISTORY)
    assert again.ready
