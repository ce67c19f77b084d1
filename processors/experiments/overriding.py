"""What a variant does: the ranking settings of a surface, with the overrides of a listener's variants applied."""

from collections.abc import Iterable

from msgspec.structs import asdict, replace

from processors.policies.policy_catalogue import policy_named
from processors.ranking.ranking_settings import RankingSettings
from processors.rewards.reward_catalogue import reward_named
from schemas.experiments import ExperimentDefinition, Overrides, Phase


def overridden(settings: RankingSettings, several: Iterable[Overrides]) -> RankingSettings:
    """The settings with all overrides; of two about one setting, the first wins.

    >>> own = overridden(RankingSettings(), [Overrides(epsilon=0.2), Overrides(epsilon=0.3, reward="static")])
    >>> own.epsilon, own.reward, own.policy
    (0.2, 'static', 'epsilon-greedy')
    """
    changed: dict[str, object] = {}
    for one in several:
        for name, value in asdict(one).items():
            if value is not None:
                changed.setdefault(name, value)
    return replace(settings, **changed) if changed else settings


def refuse_unless_rankable(definition: ExperimentDefinition, ranking: RankingSettings, rewards: Iterable[str]) -> None:
    """Raise `ValueError` unless a worker with these settings can rank every variant, now and in earlier revisions.

    >>> from tests.builders import experiment
    >>> wrong = experiment(shares={"a": 0.1, "b": 0.1}, overrides={"b": Overrides(reward="median")})
    >>> refuse_unless_rankable(wrong, RankingSettings(), ("static", "mean"))
    Traceback (most recent call last):
    ValueError: variant b ranks by median, of which no statistics are kept: the rewards are static, mean
    """
    kept = tuple(rewards)
    by_surface = {own.surface: own for own in ranking.by_surface()}
    for phase in (*definition.earlier, definition.phase):
        for surface in phase.surfaces:
            if surface not in by_surface:
                names = ", ".join(by_surface)
                raise ValueError(f"no ranking is made for the surface {surface!r}: there are {names}")
            _refuse_unless_ranks(phase, by_surface[surface], kept)


def _refuse_unless_ranks(phase: Phase, ranking: RankingSettings, rewards: tuple[str, ...]) -> None:
    for variant in phase.variants:
        own = overridden(ranking, [variant.overrides])
        try:
            policy_named(own.policy, own.knobs)
            reward_named(own.reward, own.seed)
        except ValueError as error:
            raise ValueError(f"variant {variant.name}: {error}") from error
        if own.reward not in rewards:
            raise ValueError(
                f"variant {variant.name} ranks by {own.reward}, of which no statistics are kept: the rewards are "
                f"{', '.join(rewards)}"
            )
