"""What policies may be told."""

from msgspec import Struct


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Knobs of the policies; each reads its own.

    `epsilon` is the probability of a shuffle, for every policy but greedy and uniform: so that each valid card can
    stand in each slot, and importance weights average one. `draws` is how many orders a sampling policy draws, of which
    one is shown: propensities are frequencies over them, exact for what was done, and within
    sqrt(p (1 - p) / draws) (one standard error) of the policy's ideal p. `temperature` (Plackett-Luce) is in units of
    expected reward: a card expected to earn so much more is e times as likely to come first. `width` (UCB) counts
    standard deviations.
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
