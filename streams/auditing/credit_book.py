"""What the outcomes of each card were credited with, summed over them: the auditor's own sums by reward and group."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from streams.auditing.own_outcomes import CorrectionRead, OutcomesRead


class Gain(NamedTuple):
    """What one outcome or correction adds to the rewards that it names, over all groups."""

    shown_ms: int
    rewards: str
    gained: tuple[float, ...]
    propensity: float | None


class GroupSums:
    """Exposures and rewards of a card by the groups of one generation; nothing of them forgotten."""

    def __init__(self) -> None:
        self.exposures: list[float] = []
        self.totals: dict[str, list[float]] = {}

    def expose(self, weights: Sequence[float]) -> None:
        """Count an exposure."""
        self.exposures = added(self.exposures, weights)

    def earn(self, reward: str, gained: Sequence[float]) -> None:
        """Count what it earned."""
        self.totals[reward] = added(self.totals.get(reward, []), gained)


class CreditBook:
    """Takes outcomes and corrections; corrections are differences.

    `untold` are cards of which a stream was not credited (its outcome was written before credits were), `uncorrected`
    those of which it was a correction; `misshapen` are outcomes whose credits do not fit the rewards and groups.
    """

    def __init__(self) -> None:
        self.gains: defaultdict[str, list[Gain]] = defaultdict(list)
        self.by_group: defaultdict[str, defaultdict[int, GroupSums]] = defaultdict(lambda: defaultdict(GroupSums))
        self.untold: set[str] = set()
        self.uncorrected: set[str] = set()
        self.misshapen: list[str] = []

    def take(self, message: CorrectionRead | OutcomesRead) -> None:
        """Enter a record."""
        sums = self.by_group[message.card_id][message.generation]
        if isinstance(message, CorrectionRead):
            name = f"{message.impression_id} {message.row}.{message.slot}"
            before = message.previous_credits or [0.0] * len(message.credits)
            self._earn(
                *(sums, message, name, message.shown_ms, message.user_weights, message.credits, before),
                message.on_page(),
            )
            if not message.rewards:
                self.uncorrected.add(message.card_id)
            return
        streamed = sum(played_ms > 0 for played_ms in message.played_ms)
        if len(message.credits) not in {0, streamed} or (message.credits and not message.rewards):
            self.misshapen.append(f"{message.card_id}: {len(message.credits)} credits of {streamed} streams")
        for number, earned in enumerate(message.credits_by_row()):
            weights = message.weights_of(number)
            sums.expose(weights)
            if message.played_ms[number] > 0:
                name = f"{message.impression_id[number]} {message.row[number]}.{message.slot[number]}"
                before = [0.0] * len(earned)
                shown_ms, propensity = message.shown_ms[number], message.on_page(number)
                self._earn(sums, message, name, shown_ms, weights, earned, before, propensity)

    def _earn(
        self, sums: GroupSums, message: CorrectionRead | OutcomesRead, name: str, shown_ms: int,
        weights: Sequence[float], earned: Sequence[float], before: Sequence[float], propensity: float | None,
    ) -> None:  # fmt: skip
        if not message.rewards:
            self.untold.add(message.card_id)
            return
        rewards, groups = message.rewards.split(","), len(weights)
        is_whole = groups > 0 and len(earned) == len(before) == len(rewards) * groups
        if not is_whole or not all(0.0 <= one <= 1.0 for one in (*earned, *before)):
            self.misshapen.append(f"{name}: {len(earned)} credits, {len(before)} before, not {len(rewards)} x {groups}")
            return
        gained = list(_gained(weights, earned, before))
        for reward, by_group in zip(rewards, gained, strict=True):
            sums.earn(reward, by_group)
        self.gains[message.card_id].append(Gain(shown_ms, message.rewards, tuple(map(sum, gained)), propensity))


def _gained(weights: Sequence[float], earned: Sequence[float], before: Sequence[float]) -> Iterator[list[float]]:
    """By reward, what it adds to each group."""
    for first in range(0, len(earned), len(weights)):
        parts = zip(weights, earned[first:], before[first:], strict=False)
        yield [weight * (now - then) for weight, now, then in parts]


def added(one: Sequence[float], other: Iterable[float]) -> list[float]:
    """Sums by group; groups that one of them has not are zero in it.

    >>> added([1.0, 2.0], [0.5, 0.0]), added([], [1.0])
    ([1.5, 2.0], [1.0])
    """
    return [a + b for a, b in zip_longest(one, other, fillvalue=0.0)]
