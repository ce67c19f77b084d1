"""All policies by name: the one list for settings and contract checks."""

from collections.abc import Callable

from processors.policies.epsilon_greedy import EpsilonGreedyPolicy
from processors.policies.greedy import GreedyPolicy
from processors.policies.plackett_luce import PlackettLucePolicy
from processors.policies.policy import Policy
from processors.policies.policy_settings import PolicySettings
from processors.policies.thompson import ThompsonPolicy
from processors.policies.ucb import UpperConfidencePolicy
from processors.policies.uniform import UniformPolicy


def _river_thompson(knobs: PolicySettings) -> Policy:
    from processors.policies.river_policy import river_thompson  # River takes a third of a worker's start

    return river_thompson(knobs.draws, knobs.epsilon)


def _river_ucb(knobs: PolicySettings) -> Policy:
    from processors.policies.river_policy import river_ucb

    return river_ucb(knobs.width, knobs.draws, knobs.epsilon)


POLICIES: dict[str, Callable[[PolicySettings], Policy]] = {
    "epsilon-greedy": lambda knobs: EpsilonGreedyPolicy(knobs.epsilon),
    "greedy": lambda _: GreedyPolicy(),
    "plackett-luce": lambda knobs: PlackettLucePolicy(knobs.draws, knobs.temperature, knobs.epsilon),
    "thompson": lambda knobs: ThompsonPolicy(knobs.draws, knobs.epsilon),
    "river-thompson": _river_thompson,
    "river-ucb": _river_ucb,
    "ucb": lambda knobs: UpperConfidencePolicy(knobs.width, knobs.epsilon),
    "uniform": lambda _: UniformPolicy(),
}


def policy_named(name: str, knobs: PolicySettings | None = None) -> Policy:
    """The policy of this name; raises `ValueError` with a list of known names.

    >>> policy_named("uniform").version
    'uniform'
    >>> policy_named("thompson", PolicySettings(draws=64)).version
    'thompson-64-draws-0.1'
    >>> policy_named("best")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: no policy is named 'best'; there are: epsilon-greedy, greedy, plackett-luce, ...
    """
    if name not in POLICIES:
        raise ValueError(f"no policy is named {name!r}; there are: {', '.join(sorted(POLICIES))}")
    return POLICIES[name](knobs or PolicySettings())
