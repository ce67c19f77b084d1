"""What every reward owes: from 0 to 1, never falling with time, nothing for no stream, success at its threshold."""

import numpy as np
import pytest

from processors.cocluster.block_model import BlockModel
from processors.rewards.catalogue import REWARDS
from processors.rewards.reward import Reward, group_rewards

SECONDS = np.concatenate([[0.0], np.geomspace(0.5, 40_000.0, 200)])


def blocks(mean: np.ndarray) -> BlockModel:
    return BlockModel(
        generation=1,
        version=1,
        user_prior=np.full(mean.shape[0], 1.0 / mean.shape[0]),
        card_prior=np.full(mean.shape[1], 1.0 / mean.shape[1]),
        mean=mean,
        variance=np.ones_like(mean),
        count=np.full_like(mean, 100.0),
        global_mean=float(mean.mean()),
        global_variance=1.0,
    )


MODEL = blocks(np.log1p(np.array([[60.0, 600.0, 6_000.0], [20.0, 90.0, 3_000.0]])))


@pytest.fixture(params=sorted(REWARDS))
def reward(request: pytest.FixtureRequest) -> Reward:
    return REWARDS[request.param]


def test_a_reward_is_a_share(reward: Reward) -> None:
    values = reward.of(SECONDS, MODEL)
    assert values.shape == (len(SECONDS), 2, 3)
    assert ((values >= 0.0) & (values <= 1.0)).all()


def test_longer_is_never_worse(reward: Reward) -> None:
    assert (np.diff(reward.of(SECONDS, MODEL), axis=0) >= 0.0).all()


def test_no_stream_is_no_success(reward: Reward) -> None:
    assert not reward.of(np.zeros(3), MODEL).any()


def test_at_the_threshold_a_stream_earns_at_least_half(reward: Reward) -> None:
    thresholds = reward.thresholds_s(MODEL)
    assert thresholds.shape == MODEL.mean.shape
    for g in range(2):
        for k in range(3):
            at, below = thresholds[g, k] * (1 + 1e-9), thresholds[g, k] * 0.999
            assert reward.of(np.array([at]), MODEL)[0, g, k] >= 0.5
            assert reward.of(np.array([below]), MODEL)[0, g, k] <= 0.5


def test_relabelling_the_groups_relabels_the_rewards(reward: Reward) -> None:
    swapped = blocks(MODEL.mean[::-1])
    np.testing.assert_array_equal(reward.of(SECONDS, MODEL)[:, ::-1], reward.of(SECONDS, swapped))


def test_the_reward_of_a_group_is_the_mean_over_the_soft_card_group(reward: Reward) -> None:
    weights = np.array([[0.2, 0.3, 0.5]])
    seconds = np.array([100.0])
    expected = (reward.of(seconds, MODEL)[0] * weights).sum(axis=1)
    np.testing.assert_allclose(group_rewards(reward, seconds, weights, MODEL)[0], expected)
