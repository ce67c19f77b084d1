"""When a learner rethinks: later after it found nothing, whatever the batches, and after a restart as without one."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings

SETTINGS = LearnerSettings(
    user_groups=2,
    card_groups=2,
    warmup_events=100,
    refresh_events=20,
    rethink_growth=1.5,
    restarts=1,
    polish_passes=10,
    max_users=64,
    max_cards=64,
    max_edges=2_000,
    stuck_test=False,
)
EVENTS = 1_500
Rethought = list[tuple[int, int]]  # after how many events, and how often in a row nothing was found by then


def noise(seed: int) -> tuple[np.ndarray, ...]:
    """Interactions without any groups."""
    rng = np.random.default_rng(seed)
    return rng.integers(40, size=EVENTS), rng.integers(30, size=EVENTS), rng.gamma(2.0, 60.0, EVENTS), np.arange(EVENTS)


def learn_rest(learner: CoClusterLearner, columns: tuple[np.ndarray, ...]) -> Rethought:
    """Learn what has not been learned yet; gives when the learner rethought."""
    rethought = []
    while (done := learner.state.events_count) < EVENTS:
        before = learner.state.rethought_count
        until = done + SETTINGS.refresh_events - done % SETTINGS.refresh_events
        learner.learn(*(column[done:until] for column in columns))
        if learner.state.rethought_count > before:
            rethought.append((learner.state.rethought_at, learner.state.fruitless_count))
    return rethought


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
@example(seed=1)
def test_distances_grow_by_one_more_factor_with_each_time_in_vain(seed: int) -> None:
    rethought = learn_rest(CoClusterLearner(SETTINGS, seed), noise(seed))
    expected, at = [SETTINGS.warmup_events], SETTINGS.warmup_events
    for _, fruitless in rethought:
        due = at + (SETTINGS.rethink_growth ** (1 + fruitless) - 1.0) * at
        at = int(np.ceil(due / SETTINGS.refresh_events)) * SETTINGS.refresh_events
        expected.append(at)
    assert [at for at, _ in rethought] == expected[:-1]
    assert expected[-1] > EVENTS


def test_noise_is_rethought_in_vain_and_so_ever_more_rarely() -> None:
    found = [learn_rest(CoClusterLearner(SETTINGS, seed), noise(seed)) for seed in range(5)]
    assert sum(fruitless >= 2 for rethought in found for _, fruitless in rethought) >= 3


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, EVENTS - 1))
def test_a_restart_anywhere_moves_no_rethinking_and_what_follows_it_is_determined(seed: int, cut: int) -> None:
    columns = noise(seed)
    learner = CoClusterLearner(SETTINGS, seed)
    learner.learn(*(column[:cut] for column in columns))
    rows = [(key, row) for key, row in learner.rows_changed() if row is not None]
    one, other = (CoClusterLearner.restore(SETTINGS, seed, rows) for _ in range(2))
    next_at = [[at for at, _ in learn_rest(each, columns)[:1]] for each in (learner, one)]
    assert next_at[0] == next_at[1]
    other.learn(*(column[cut:] for column in columns))
    assert dict(one.rows_changed()) == dict(other.rows_changed())
