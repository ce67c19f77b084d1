"""All policies by name: the one list that settings and contract checks read."""

from collections.abc import Callable

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy
from processors.policies.greedy import GreedyPolicy
from processors.policies.policy import Policy
from processors.policies.uniform import UniformPolicy

POLICIES: dict[str, Callable[[float], Policy]] = {
    "epsilon-greedy": EpsilonGreedyPolicy,
    "greedy": lambda _epsilon: GreedyPolicy(),
    "uniform": lambda _epsilon: UniformPolicy(),
}


def policy_named(name: str, *, epsilon: float) -> Policy:
    """The policy of that name; raises `ValueError` that lists the names there are.

    >>> policy_named("uniform", epsilon=0.1).version
    'uniform'
    >>> policy_named("best", epsilon=0.1)
    Traceback (most recent call last):
    ValueError: no policy is named 'best'; there are: epsilon-greedy, greedy, uniform
    """
    if name not in POLICIES:
        raise ValueError(f"no policy is named {name!r}; there are: {', '.join(sorted(POLICIES))}")
    return POLICIES[name](epsilon)
