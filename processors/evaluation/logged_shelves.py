"""Shelves as outcomes tell them, and their weights under another policy: the input of slate estimators.

One draw decides a whole shelf, so the weight of a shelf is by the logged propensity of its order, not by the product of
those of its slots.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.slates.slate_columns import Slates
from schemas.outcomes import OutcomeSettled


class LoggedShelf(NamedTuple):
    """The seen slots of a shelf, from the first on, and what was logged with them."""

    shelf_id: str
    user_id: str
    cards: tuple[str, ...]
    propensities: tuple[float, ...]
    order_log_propensities: tuple[float, ...]
    played_ms: tuple[int, ...]


class Target(NamedTuple):
    """Probabilities of a shelf's cards under another policy: of each in its slot, and of the order up to each slot."""

    slot: FloatArray
    order_log: FloatArray


def logged_shelves(outcomes: Iterable[OutcomeSettled]) -> list[LoggedShelf]:
    """The shelves of these outcomes, in order of first appearance.

    A shelf ends at its first slot that was not seen. Left out are shelves of which the first slot was not seen, or that
    were logged without the propensity of their order.
    """
    by_shelf: dict[tuple[str, str, int], dict[int, OutcomeSettled]] = {}
    for one in outcomes:
        by_shelf.setdefault((one.user_id, one.impression_id, one.row), {})[one.slot] = one
    return [shelf for slots in by_shelf.values() if (shelf := _shelf(slots)) is not None]


def _shelf(slots: dict[int, OutcomeSettled]) -> LoggedShelf | None:
    seen: list[OutcomeSettled] = []
    while (one := slots.get(len(seen))) is not None and one.order_log_propensity is not None:
        seen.append(one)
    if not seen:
        return None
    return LoggedShelf(
        shelf_id=seen[0].shelf_id,
        user_id=seen[0].user_id,
        cards=tuple(one.card_id for one in seen),
        propensities=tuple(one.propensity for one in seen),
        order_log_propensities=tuple(one.order_log_propensity or 0.0 for one in seen),
        played_ms=tuple(one.played_ms for one in seen),
    )


def slates_of(
    shelves: Sequence[LoggedShelf],
    target: Callable[[LoggedShelf], Target],
    reward: Callable[[int], float],
    slots: int,
) -> Slates:
    """Weights and rewards of the first `slots` slots of these shelves; `reward` maps milliseconds to a reward.

    >>> shelf = LoggedShelf("jazz", "u", ("c1",), (0.5,), (float(np.log(0.5)),), (31_000,))
    >>> log = slates_of([shelf], lambda _: Target(np.array([0.25]), np.log([0.25])), lambda ms: float(ms >= 30_000), 1)
    >>> log.slot.tolist(), log.prefix.tolist(), log.rewards.tolist()
    ([[0.5]], [[0.5]], [[1.0]])
    """
    slot, prefix = np.ones((2, len(shelves), slots))
    rewards, seen = np.zeros((2, len(shelves), slots))
    for number, shelf in enumerate(shelves):
        end, there = min(len(shelf.cards), slots), target(shelf)
        slot[number, :end] = there.slot[:end] / shelf.propensities[:end]
        prefix[number, :end] = np.exp(there.order_log[:end] - shelf.order_log_propensities[:end])
        prefix[number, end:] = prefix[number, end - 1]
        rewards[number, :end] = [reward(played_ms) for played_ms in shelf.played_ms[:end]]
        seen[number, :end] = 1.0
    return Slates(slot=slot, prefix=prefix, rewards=rewards, seen=seen)


def uniform_target(items: int) -> Callable[[LoggedShelf], Target]:
    """All orders of `items` candidates with equal probability.

    >>> shelf = LoggedShelf("jazz", "u", ("c1", "c2"), (0.5, 0.5), (-0.7, -0.7), (0, 0))
    >>> found = uniform_target(2)(shelf); found.slot.tolist(), np.exp(found.order_log).round(6).tolist()
    ([0.5, 0.5], [0.5, 0.5])
    """

    def of(shelf: LoggedShelf) -> Target:
        left = items - np.arange(len(shelf.cards))
        return Target(np.full(len(shelf.cards), 1.0 / items), -np.cumsum(np.log(left)))

    return of
