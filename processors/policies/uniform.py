"""`uniform`: a uniformly random order of the valid items; the control for all comparisons."""

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy


class UniformPolicy(EpsilonGreedyPolicy):
    """Epsilon-greedy with an epsilon of one."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.version = "uniform"
