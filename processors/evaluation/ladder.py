"""The ladder of rewards: each trains a policy on one log, and the planted truth tells the value of each policy.

All rewards are judged by the same yardsticks, never by themselves. Fixed are the log, the bandit
(`processors.bandit.posterior`), its groups, and the policy, which shows every listener the cards with the highest
expected reward.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.card_statistics import CardStatisticsTable, Observations
from processors.bandit.posterior import posterior
from processors.cocluster.fitting.normal_blocks import NormalBlocks
from processors.cocluster.model.soft_groups import Interactions
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.ranked_retrieval import precision_and_recall
from processors.rewards.reward import GroupedReward
from processors.rewards.reward_catalogue import REWARD_NAMES, reward_named
from processors.rewards.streaming_times import STATIC_THRESHOLD_S, StreamingTimes
from processors.worlds.satisfaction import SatisfactionWorld, WorldSettings
from processors.worlds.yardsticks import Yardsticks, yardsticks

YARDSTICKS = ("y30", "ysat", "time_s")
SNIPS = "snips_y30"
_LOGGED, _FRESH = 0x106, 0xF2E5

Values = dict[str, dict[str, float]]
"""Values of every policy, by the name of its reward: one for each yardstick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderSettings:
    """One rung: the size of the log, the groups that the bandit uses, and the number of cards that the policy shows."""

    impressions: int
    groups: Literal["true", "estimated"] = "true"
    shown: int = 3
    confounded: bool = True  # the log follows past behaviour, if the world defines it (W6)
    placed: bool = False  # accidental streams follow the slot of the exposure, whose propensity is logged
    weight_max: float = 0.0  # exposures are weighted by inverse propensities up to this; 0: all alike
    rewards: tuple[str, ...] = REWARD_NAMES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Log:
    """Impressions of one card each, cards chosen uniformly: columns [n]."""

    user: IntArray
    card: IntArray
    seconds: FloatArray
    propensity: FloatArray  # of the card in its slot

    @property
    def streamed(self) -> IntArray:
        """Rows with a stream."""
        return np.flatnonzero(self.seconds > 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Soft groups of all listeners [users, G] and cards [cards, K]."""

    user: FloatArray
    card: FloatArray


def retrieved(world: WorldSettings, settings: LadderSettings, seed: int, sizes: Sequence[int]) -> dict[str, Values]:
    """Precision and recall at each of `sizes` of the policies of all rewards, by yardstick and reward.

    What is relevant is what the yardstick says, in the present world: a stream of 30 s, or a satisfied one. The policy
    `uniform` shows random cards.
    """
    planted = SatisfactionWorld(world, world_seed=seed)
    truth, log = yardsticks(planted), logged(planted, settings, seed, _LOGGED)
    groups = _groups(planted, log, settings, seed)
    times = _times(log, groups)
    shown = {
        name: best_cards(log, groups, times, reward_named(name, seed), max(sizes), settings.weight_max)
        for name in settings.rewards
    }
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_FRESH,)))
    shown["uniform"] = rng.random((world.users, world.cards)).argsort(axis=1)[:, : max(sizes)]
    relevance = {"y30": truth.y30, "ysat": truth.ysat}
    return {
        yardstick: {name: precision_and_recall(own, cards, sizes) for name, cards in shown.items()}
        for yardstick, own in relevance.items()
    }


def climb(world: WorldSettings, settings: LadderSettings, seed: int) -> Values:
    """Values of the policies of all rewards, and of showing random cards, in one world: by reward and yardstick.

    `snips_y30` is the estimate from a fresh log of the same size and kind of the policy's 30-s stream rate.
    """
    planted = SatisfactionWorld(world, world_seed=seed)
    truth = yardsticks(planted)
    log, fresh = (logged(planted, settings, seed, purpose) for purpose in (_LOGGED, _FRESH))
    groups = _groups(planted, log, settings, seed)
    times = _times(log, groups)
    values = {"uniform": {name: float(getattr(truth, name).mean()) for name in YARDSTICKS}}
    values["uniform"][SNIPS] = float((fresh.seconds >= STATIC_THRESHOLD_S).mean())
    for name in settings.rewards:
        shown = best_cards(log, groups, times, reward_named(name, seed), settings.shown, settings.weight_max)
        values[name] = {**_worth(truth, shown), SNIPS: _snips(fresh, shown, planted.settings.cards)}
    return values


def logged(planted: SatisfactionWorld, settings: LadderSettings, seed: int, purpose: int) -> Log:
    """Draw a log under the uniform policy."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))
    user = rng.integers(planted.settings.users, size=settings.impressions)
    card = rng.integers(planted.settings.cards, size=settings.impressions)
    if settings.placed:
        slot, propensity = planted.place(card, rng)
        _, seconds = planted.play(user, card, rng, slot=slot)
        return Log(user=user, card=card, seconds=seconds, propensity=propensity)
    _, seconds = planted.play(user, card, rng, as_logged=settings.confounded)
    return Log(user=user, card=card, seconds=seconds, propensity=np.ones(len(user)))


def best_cards(
    log: Log, groups: Groups, times: StreamingTimes, reward: GroupedReward, shown: int, weight_max: float = 0.0
) -> IntArray:
    """The cards [users, shown] with the highest expected reward for every listener under a bandit with this reward."""
    some = log.streamed
    importance = np.minimum(1.0 / log.propensity, weight_max) if weight_max else np.ones(len(log.user))
    table = CardStatisticsTable((reward.name,), groups=groups.user.shape[1])
    rows = table.rows_of(map(str, range(len(groups.card))))
    earned = reward.success(times).over(log.seconds[some], groups.card[log.card[some]])
    weights = groups.user[log.user]
    seen = Observations(
        cards=rows[log.card],
        shown_ms=np.zeros(len(log.user), dtype=np.int64),
        weights=weights,
        exposures=np.ones(len(log.user)),
        streamed=some,
        gains=(weights[some] * earned)[:, None],
        squares=(weights[some] * earned**2)[:, None],
        importance=importance,
    )
    table.add(seen, np.zeros(len(log.user), dtype=np.int64))
    expected = groups.user @ posterior(*table.current(rows, reward.name), groups.card).mean.T
    return np.argsort(-expected, axis=1, kind="stable")[:, :shown]


def _groups(planted: SatisfactionWorld, log: Log, settings: LadderSettings, seed: int) -> Groups:
    world = planted.settings
    if settings.groups == "true":
        return Groups(
            user=np.eye(world.user_groups)[planted.user_group], card=np.eye(world.card_groups)[planted.card_group]
        )
    some = log.streamed
    x = np.log1p(log.seconds[some])
    data = Interactions(log.user[some], log.card[some], x, world.users, world.cards)
    found = NormalBlocks(user_groups=world.user_groups, card_groups=world.card_groups, seed=seed).groups(data)
    return Groups(user=found.user, card=found.card)


def _times(log: Log, groups: Groups) -> StreamingTimes:
    some = log.streamed
    return StreamingTimes.of(log.seconds[some], groups.user[log.user[some]], groups.card[log.card[some]])


def _worth(truth: Yardsticks, shown: IntArray) -> dict[str, float]:
    return {name: float(np.take_along_axis(getattr(truth, name), shown, axis=1).mean()) for name in YARDSTICKS}


def _snips(log: Log, shown: IntArray, cards: int) -> float:
    """Self-normalised inverse propensity score of the 30-s stream rate; the log shows cards uniformly."""
    policy = np.zeros((len(shown), cards), dtype=bool)
    np.put_along_axis(policy, shown, values=True, axis=1)
    found = SelfNormalised()
    weights = policy[log.user, log.card] * (cards / shown.shape[1])
    found.add(Exposures(weights=weights, rewards=(log.seconds >= STATIC_THRESHOLD_S).astype(np.float64)))
    return found.value


def paired(values: Sequence[Values], yardstick: str, better: str, worse: str) -> tuple[float, float]:
    """Mean relative gain of one policy over another over seeds, and its paired standard error.

    >>> runs = [{"a": {"y30": 0.22}, "b": {"y30": 0.2}}, {"a": {"y30": 0.33}, "b": {"y30": 0.3}}]
    >>> [round(number, 6) for number in paired(runs, "y30", "a", "b")]
    [0.1, 0.0]
    """
    gains = np.array([run[better][yardstick] / run[worse][yardstick] - 1.0 for run in values])
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float("nan")
    return float(gains.mean()), float(error)
