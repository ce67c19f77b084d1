"""`greedy`: always the best order, without exploration."""

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy


class GreedyPolicy(EpsilonGreedyPolicy):
    """Epsilon-greedy without exploration: propensities are one, so its logs cannot evaluate other policies."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.version = "greedy"
