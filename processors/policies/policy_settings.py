"""Settings of policies."""

from msgspec import Struct


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the policies; each uses its own.

    `epsilon` is the probability of a shuffle, for all policies but greedy and uniform, so that each valid card can
    appear in each slot, and importance weights average one. `draws` is the number of orders that a sampling policy
    draws, one of which is shown: propensities are frequencies over them, exact for this procedure, and within
    sqrt(p (1 - p) / draws) (one standard error) of the policy's ideal p. `temperature` (Plackett-Luce) is in units of
    expected reward: a card that is better by this much is e times as likely to come first. `width` (UCB) is in standard
    deviations.
    """

    epsilon: float = 0.1
    draws: int = 32
    temperature: float = 0.03
    width: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.epsilon <= 1.0:
            raise ValueError(f"epsilon is {self.epsilon}; it is a probability, from 0 to 1")
        if self.draws < 1:
            raise ValueError(f"draws is {self.draws}; at least one order must be drawn")
        if self.temperature <= 0.0 or self.width < 0.0:
            raise ValueError("temperature must be positive and width must not be negative")
