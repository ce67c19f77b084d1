"""Candidates: rewards and policies that might replace the incumbent."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.policies.policy_catalogue import policy_named
from processors.ranking.ranking_settings import RankingSettings
from processors.rewards.reward_catalogue import reward_named

NONE = "none"
DEFAULTS = ("static", "mean", "mean:none", "mean:users", "mean:cards", "continuous")
"""Rewards that are compared by default, as far as statistics are kept of them."""


class Candidate(Struct, frozen=True):
    """How pages are ranked, under a name."""

    ranking: RankingSettings
    title: str = ""

    @property
    def name(self) -> str:
        """The title, or else reward and version of the policy.

        >>> Candidate(RankingSettings(reward="mean:users", policy="greedy")).name
        'mean:users/greedy'
        """
        return self.title or f"{self.ranking.reward}/{self.policy}"

    @property
    def policy(self) -> str:
        """Version of the policy."""
        return policy_named(self.ranking.policy, self.ranking.knobs).version


def candidates_of(
    settings: LeaderboardSettings, ranking: RankingSettings, rewards: Sequence[str]
) -> tuple[Candidate, ...]:
    """The candidates for the surface of `ranking`, the incumbent first, each once.

    By default they are the incumbent's policy with each of `DEFAULTS` of which statistics are kept (`rewards`), the
    incumbent's reward without exploration, and random pages. Raises `ValueError` for one that cannot be ranked.

    >>> [one.name for one in candidates_of(LeaderboardSettings(candidates=("static greedy",)), RankingSettings(),
    ...     ("static", "mean"))]
    ['mean/epsilon-greedy-0.1', 'static/greedy']
    """
    own = next(ranking.by_surface())
    written = settings.candidates or (*(f"{name} {own.policy}" for name in DEFAULTS if name in rewards),
                                      f"{own.reward} greedy", f"{own.reward} uniform")  # fmt: skip
    found = [Candidate(own), *(_parsed(text, own, rewards) for text in written if text != NONE)]
    return tuple({one.name: one for one in found}.values())


def _parsed(text: str, own: RankingSettings, rewards: Sequence[str]) -> Candidate:
    words = text.split()
    if not 2 <= len(words) <= 3:
        raise ValueError(f"candidate {text!r}: write REWARD POLICY [EPSILON], for example `mean:users greedy`")
    reward, policy = words[:2]
    if reward not in rewards:
        reward_named(reward)
        raise ValueError(f"candidate {text!r}: {reward} must be one of rewards, {', '.join(rewards)}")
    epsilon = own.epsilon
    if len(words) == 3:
        try:
            epsilon = float(words[2])
        except ValueError:
            raise ValueError(f"candidate {text!r}: {words[2]!r} is not a number") from None
        if not 0.0 <= epsilon <= 1.0:
            raise ValueError(f"candidate {text!r}: epsilon must be from 0 to 1")
    candidate = Candidate(replace(own, reward=reward, policy=policy, epsilon=epsilon))
    policy_named(policy, candidate.ranking.knobs)
    return candidate
