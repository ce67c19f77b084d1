"""`uniform`: any order of the valid items, each as likely; the control that every claim is held against."""

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy


class UniformPolicy(EpsilonGreedyPolicy):
    """Epsilon-greedy that always explores."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.version = "uniform"
