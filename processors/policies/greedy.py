"""`greedy`: always the best order; it learns nothing that it does not look for."""

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy


class GreedyPolicy(EpsilonGreedyPolicy):
    """Epsilon-greedy that never explores: propensities are one, so it cannot be evaluated off its own path."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.version = "greedy"
