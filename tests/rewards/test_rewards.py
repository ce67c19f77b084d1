"""What every reward owes at every grouping: from 0 to 1, never falling with time, nothing for no stream."""

import numpy as np
import pytest

from processors.rewards.reward import GroupedReward
from processors.rewards.reward_catalogue import REWARD_NAMES, reward_named, rewards
from processors.rewards.streaming_times import Grouping, StreamingTimes

SECONDS = np.concatenate([[0.0], np.geomspace(0.5, 40_000.0, 200)])
TYPICAL_S = np.array([[60.0, 600.0, 6_000.0], [20.0, 90.0, 3_000.0]])
CONTROLS = "random"  # keyed by the number of a group, which has no meaning that could move along


def one_hot(groups: np.ndarray, size: int) -> np.ndarray:
    return np.eye(size)[groups]


def history(streams: int = 6_000, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    g, k = rng.integers(2, size=streams), rng.integers(3, size=streams)
    return TYPICAL_S[g, k] * np.exp(0.7 * rng.standard_normal(streams)), g, k


def times_of(seconds: np.ndarray, g: np.ndarray, k: np.ndarray) -> StreamingTimes:
    return StreamingTimes.of(seconds, one_hot(g, 2), one_hot(k, 3))


TIMES = times_of(*history())


@pytest.fixture(params=REWARD_NAMES)
def reward(request: pytest.FixtureRequest) -> GroupedReward:
    return reward_named(request.param)


def test_a_reward_is_a_share(reward: GroupedReward) -> None:
    values = reward.success(TIMES).of(SECONDS)
    assert values.shape == (len(SECONDS), 2, 3)
    assert ((values >= 0.0) & (values <= 1.0)).all()


def test_longer_is_never_worse(reward: GroupedReward) -> None:
    assert (np.diff(reward.success(TIMES).of(SECONDS), axis=0) >= -1e-12).all()


def test_no_stream_is_no_success(reward: GroupedReward) -> None:
    assert not reward.success(TIMES).of(np.zeros(3)).any()


def test_at_the_threshold_a_stream_earns_at_least_half(reward: GroupedReward) -> None:
    success = reward.success(TIMES)
    assert success.threshold_s.shape == (2, 3)
    for g in range(2):
        for k in range(3):
            at, below = success.threshold_s[g, k] * (1 + 1e-9), success.threshold_s[g, k] * 0.999
            assert success.of(np.array([at]))[0, g, k] >= 0.5
            assert success.of(np.array([below]))[0, g, k] <= 0.5


@pytest.mark.parametrize("name", [name for name in REWARD_NAMES if not name.startswith(CONTROLS)])
def test_relabelling_the_groups_relabels_the_rewards(name: str) -> None:
    reward, swapped = reward_named(name), StreamingTimes(TIMES.sums[:, ::-1])
    np.testing.assert_allclose(reward.success(TIMES).of(SECONDS)[:, ::-1], reward.success(swapped).of(SECONDS))


def test_all_that_a_grouping_takes_together_are_judged_alike(reward: GroupedReward) -> None:
    values = reward.success(TIMES).of(SECONDS)
    if reward.grouping in {Grouping.NONE, Grouping.USERS}:
        assert (values == values[:, :, :1]).all()
    if reward.grouping in {Grouping.NONE, Grouping.CARDS}:
        assert (values == values[:, :1]).all()
    if reward.grouping is Grouping.BOTH:
        assert len(np.unique(reward.success(TIMES).threshold_s)) == 6


def test_the_reward_of_a_group_is_the_mean_over_the_soft_card_group(reward: GroupedReward) -> None:
    weights = np.random.default_rng(3).dirichlet(np.ones(3), size=len(SECONDS))
    success = reward.success(TIMES)
    together = success.over(SECONDS, weights)
    np.testing.assert_allclose(together, (success.of(SECONDS) * weights[:, None, :]).sum(axis=2), atol=1e-12)
    alone = [success.over(SECONDS[n : n + 1], weights[n : n + 1]) for n in range(len(SECONDS))]
    np.testing.assert_array_equal(together, np.concatenate(alone), "a rounding depends on the size of the batch")


def test_a_reward_does_not_depend_on_how_the_streams_were_split(reward: GroupedReward) -> None:
    seconds, g, k = history()
    parts = [times_of(seconds[part], g[part], k[part]) for part in (slice(0, 1_000), slice(1_000, None))]
    whole, together = reward.success(TIMES), reward.success(parts[0] + parts[1])
    np.testing.assert_allclose(whole.threshold_s, together.threshold_s)


def test_a_block_that_nobody_streams_is_judged_by_its_margins(reward: GroupedReward) -> None:
    seconds, g, k = history()
    seen = ~((g == 0) & (k == 2))
    success = reward.success(times_of(seconds[seen], g[seen], k[seen]))
    assert np.isfinite(success.threshold_s).all()
    if reward.name in {"mean", "median", "arithmetic-mean"}:
        assert success.threshold_s[0, 2] > success.threshold_s[0, 1], "card group 2 is streamed longest by all others"


def test_success_means_what_the_name_says() -> None:
    every = {name: rewards()[name].success(TIMES).threshold_s for name in REWARD_NAMES}
    np.testing.assert_allclose(every["mean"], TYPICAL_S, rtol=0.1)
    np.testing.assert_allclose(every["median"], TYPICAL_S, rtol=0.1)
    np.testing.assert_allclose(every["arithmetic-mean"], TYPICAL_S * np.exp(0.7**2 / 2), rtol=0.1)
    np.testing.assert_allclose(every["additive"], TYPICAL_S * np.exp(-0.7), rtol=0.1)
    np.testing.assert_allclose(every["continuous"], every["median"])
    assert (every["static"] == 30.0).all()


def test_additive_earns_a_half_three_quarters_and_all() -> None:
    success = reward_named("additive").success(TIMES)
    earned = [success.of(np.array([600.0 * np.exp(0.7 * sd)]))[0, 0, 1] for sd in (-1.2, -0.8, 0.2, 1.2)]
    assert earned == [0.0, 0.5, 0.75, 1.0]


def test_continuous_is_the_share_of_streams_that_are_outlasted() -> None:
    seconds, g, k = history()
    own = seconds[(g == 1) & (k == 0)]
    success = reward_named("continuous").success(TIMES)
    for at in (8.0, 20.0, 55.0):
        assert success.of(np.array([at]))[0, 1, 0] == pytest.approx((own < at).mean(), abs=0.03)


def test_the_controls_follow_their_seed() -> None:
    for name in ("random-threshold", "random-groups"):
        thresholds = [reward_named(name, seed).success(TIMES).threshold_s.tolist() for seed in (1, 1, 2, 3, 4)]
        assert thresholds[0] == thresholds[1]
        assert any(thresholds[0] != other for other in thresholds[2:])


def test_random_groups_have_the_thresholds_of_the_groups() -> None:
    dealt = reward_named("random-groups", 3).success(TIMES).threshold_s
    assert sorted(dealt.ravel()) == sorted(reward_named("mean").success(TIMES).threshold_s.ravel())
