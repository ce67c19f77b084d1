"""All rewards by name: the one list that settings, statistics and contract checks read."""

from processors.rewards.mean_threshold import MeanReward
from processors.rewards.reward import Reward
from processors.rewards.static import StaticReward

REWARDS: dict[str, Reward] = {reward.name: reward for reward in (StaticReward(), MeanReward())}


def reward_named(name: str) -> Reward:
    """The reward of that name; raises `ValueError` that lists the names there are.

    >>> reward_named("static").name
    'static'
    >>> reward_named("clicks")
    Traceback (most recent call last):
    ValueError: no reward is named 'clicks'; there are: mean, static
    """
    if name not in REWARDS:
        raise ValueError(f"no reward is named {name!r}; there are: {', '.join(sorted(REWARDS))}")
    return REWARDS[name]
