"""All rewards by name: the one list for settings, statistics and contract checks."""

from processors.rewards.additive import AdditiveReward
from processors.rewards.arithmetic_mean import ArithmeticMeanReward
from processors.rewards.continuous import ContinuousReward
from processors.rewards.geometric_mean import GeometricMeanReward
from processors.rewards.median import MedianReward
from processors.rewards.random_groups import RandomGroupsReward
from processors.rewards.random_threshold import RandomThresholdReward
from processors.rewards.reward import GroupedReward, Reward
from processors.rewards.static import StaticReward


def rewards(seed: int = 0) -> dict[str, GroupedReward]:
    """All rewards at all groupings; the seed is for the controls.

    A reward's name alone means its finest grouping; others follow after a colon.

    >>> [name for name in rewards() if name.startswith("mean")]
    ['mean', 'mean:none', 'mean:users', 'mean:cards']
    """
    every: list[Reward] = [
        StaticReward(),
        GeometricMeanReward(),
        ArithmeticMeanReward(),
        MedianReward(),
        AdditiveReward(),
        ContinuousReward(),
        RandomThresholdReward(seed),
        RandomGroupsReward(seed),
    ]
    named = {}
    for reward in every:
        *others, finest = reward.groupings
        named[reward.name] = GroupedReward(reward.name, reward, finest)
        for grouping in others:
            name = f"{reward.name}:{grouping.value}"
            named[name] = GroupedReward(name, reward, grouping)
    return named


REWARD_NAMES = tuple(rewards())


COMPARED = (
    "static",
    "mean",
    "mean:none",
    "mean:users",
    "mean:cards",
    "arithmetic-mean",
    "median",
    "additive",
    "continuous",
    "random-threshold",
    "random-groups",
)
"""Default rewards of a pipeline: each at its finest grouping, and the default one at all groupings."""


def reward_named(name: str, seed: int = 0) -> GroupedReward:
    """The reward of this name; raises `ValueError` with a list of known names.

    >>> reward_named("median:users").grouping.value
    'users'
    >>> reward_named("clicks")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: no reward is named 'clicks'; there are: static, mean, mean:none, mean:users, ...
    """
    if name not in REWARD_NAMES:
        raise ValueError(f"no reward is named {name!r}; there are: {', '.join(REWARD_NAMES)}")
    return rewards(seed)[name]
