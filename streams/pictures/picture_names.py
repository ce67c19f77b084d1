"""Names of the pictures of groups, for the command line."""

from enum import StrEnum


class GroupPicture(StrEnum):
    """A picture of groups."""

    MATRIX = "matrix"
    DISTRIBUTION = "distribution"
    TIME = "time"
    VOLUME = "volume"
    REWARD_RATE = "reward-rate"
    GENRES = "genres"
    REWARDS = "rewards"
    LADDER = "ladder"
    ALL = "all"
