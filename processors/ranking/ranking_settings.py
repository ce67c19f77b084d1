"""Settings of pages."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from processors.policies.policy_settings import PolicySettings
from schemas.rankings import HOME


class SurfaceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides of one surface: its reward and its policy. None means the default."""

    reward: str | None = None
    policy: str | None = None
    epsilon: float | None = None


class RankingSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size of pages, and how they are ranked.

    `own_weight` is how much a listener's own successful streams of a card raise its score (and failures lower it), as
    a share of its expected reward: a preference, not an estimate; with 0, scores are expected rewards.
    `shelf_attention` is the decay of attention: slot j has weight (j + 1) ** -shelf_attention.
    `deduplicate` assigns cards that are valid in several shelves to one of them.

    Three qualities besides expected reward are off by default: `diversity` reduces a card's score by this share for
    each better card of its card group in the shelf; `freshness` adds this share to the score of a card released now,
    half of it after `fresh_half_life_ms`; `discovery_share` of the slots go to cards that the listener has not streamed
    recently, as far as there are any.

    `drift_epsilon` replaces `epsilon` while a severe incident of drift is in progress, so that what has changed is
    learned sooner (None: never).

    `epsilon`, `draws`, `temperature` and `ucb_width` are parameters of the policies
    (`processors.policies.policy_settings`). `surfaces` overrides reward and policy by surface: a listener gets a
    ranking for `surface` and for each of these.

    >>> search = RankingSettings(surfaces={"search": SurfaceSettings(reward="static")})
    >>> [(one.surface, one.reward) for one in search.by_surface()]
    [('home', 'mean'), ('search', 'static')]
    """

    policy: str = "epsilon-greedy"
    epsilon: float = 0.1
    drift_epsilon: float | None = None
    draws: int = 32
    temperature: float = 0.03
    ucb_width: float = 1.0
    reward: str = "mean"
    seed: int = 0
    surface: str = HOME
    slots_max: int = 10
    shelves_max: int = 20
    own_weight: float = 0.5
    shelf_attention: float = 0.7
    deduplicate: bool = True
    diversity: float = 0.0
    freshness: float = 0.0
    fresh_half_life_ms: int = 7 * 86_400_000
    discovery_share: float = 0.0
    surfaces: dict[str, SurfaceSettings] = {}

    def __post_init__(self) -> None:
        for name in ("diversity", "discovery_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1")
        if self.drift_epsilon is not None and not 0.0 <= self.drift_epsilon <= 1.0:
            raise ValueError(f"drift_epsilon is {self.drift_epsilon}; it is a probability, from 0 to 1")
        if self.freshness < 0.0 or self.fresh_half_life_ms < 1:
            raise ValueError("freshness must not be negative, and fresh_half_life_ms must be positive")

    @property
    def knobs(self) -> PolicySettings:
        """The settings of policies."""
        return PolicySettings(
            epsilon=self.epsilon, draws=self.draws, temperature=self.temperature, width=self.ucb_width
        )

    def by_surface(self) -> Iterator["RankingSettings"]:
        """Settings of each surface, with overrides applied; `surface` comes first."""
        for surface in dict.fromkeys((self.surface, *sorted(self.surfaces))):
            own = self.surfaces.get(surface, SurfaceSettings())
            changed = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
            yield msgspec.structs.replace(self, surface=surface, surfaces={}, **changed)
