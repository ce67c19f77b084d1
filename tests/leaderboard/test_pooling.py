"""Pooled weights: right on average where a card earns the same in every seen slot, narrower, and given up elsewhere."""

import numpy as np
import pytest

from processors.evaluation.confidence.paired import Difference
from processors.evaluation.estimators.verdict import Verdict
from processors.evaluation.sums.anytime_width import mixture_width
from processors.leaderboard.pages_more import pages_more
from processors.leaderboard.seen_slots import SeenSlots
from processors.leaderboard.standings import Leaderboard
from processors.policies.order_mixture import OrderMixture
from schemas.policy_evidence import PagesWeighed
from schemas.policy_values import LOGGED, POOLED, SLOTS, PolicyValue
from tests.leaderboard.weighed import INCUMBENT, OTHER, pages_weighed

ITEMS, SLOT_COUNT, SEEN = 8, 5, 3
RATE = np.linspace(0.1, 0.5, ITEMS)
DEPTH = np.array([1.0, 0.7, 0.5])
"""What a card earns in the first three slots, over the first, where slots matter."""


def shown(seed: int, pages: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniformly random items [pages, SEEN], and a coin for each."""
    rng = np.random.default_rng(seed)
    return np.argsort(rng.random((pages, ITEMS)), axis=1)[:, :SEEN], rng.random((pages, SEEN))


def weights_of(items: np.ndarray, order: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Weights and pooled weights [pages, 1, SEEN] of a candidate that always shows this order, by a uniform log."""
    pages = len(items)
    seen = SeenSlots(
        unit=np.repeat(np.arange(pages), SEEN),
        slot=np.tile(np.arange(SEEN), pages),
        item=items.ravel(),
        slots=SLOT_COUNT,
    )
    mixture = OrderMixture(
        orders=np.tile(np.array(order)[None, None], (pages, 1, 1)), weights=np.ones((pages, 1)), items=ITEMS
    )
    in_slot, in_any = seen.chances(mixture, 1)
    by_slot, pooled = in_slot * ITEMS, in_any * ITEMS / SEEN
    return by_slot.reshape(pages, 1, SEEN), pooled.reshape(pages, 1, SEEN)


def message(seed: int, pages: int, orders: list[list[int]], *, depth: np.ndarray | None = None) -> PagesWeighed:
    items, coins = shown(seed, pages)
    rate = RATE[items] * (1.0 if depth is None else depth)
    both = [weights_of(items, order) for order in orders]
    return pages_weighed(
        np.concatenate([by_slot for by_slot, _ in both], axis=1),
        (coins < rate) * 60_000,
        pooled=np.concatenate([pooled for _, pooled in both], axis=1),
    )


def standings(told: PagesWeighed) -> dict[str, PolicyValue]:
    board = Leaderboard()
    board.take([told])
    return {value.candidate: value for value in board.values() if value.yardstick == "stream-rate"}


GOOD, BAD, MOVED = [7, 6, 5, 0, 1], [7, 0, 5, 6, 1], [5, 7, 6, 1, 0]


def test_pooled_values_are_right_and_twice_as_narrow() -> None:
    """Misses of 60 logs: of the 95% intervals of the difference, about a twentieth."""
    truth = float((RATE[GOOD[:SEEN]] - RATE[BAD[:SEEN]]).mean())
    found = [standings(message(seed, 800, [BAD, GOOD]))[OTHER] for seed in range(60)]
    assert {value.estimator for value in found} == {POOLED}
    shown_ones = [value for value in found if value.difference is not None]
    assert len(shown_ones) > 45
    misses = [not (value.difference_low or 0.0) <= truth <= (value.difference_high or 0.0) for value in shown_ones]
    assert np.mean(misses) < 0.05 + 3 * (0.05 * 0.95 / len(misses)) ** 0.5
    assert np.mean([value.difference for value in shown_ones]) == pytest.approx(truth, abs=0.01)


def test_pooling_narrows_differences_and_a_card_that_only_moves_is_no_evidence() -> None:
    told = message(1, 3_000, [BAD, GOOD])
    apart = standings(pages_weighed(*_slots_only(told)))[OTHER]
    pooled = standings(told)[OTHER]
    assert _width(pooled) < 0.6 * _width(apart)
    moved = standings(message(1, 3_000, [GOOD, MOVED]))
    assert (moved[OTHER].difference, _width(moved[OTHER])) == (pytest.approx(0.0, abs=1e-12), pytest.approx(0.0))


def test_where_slots_matter_the_log_objects_and_slots_are_weighed() -> None:
    orders = [[7, 0, 1, 2, 3], [0, 1, 7, 2, 3]]  # the best card moves down: pooled, that is no difference
    assert standings(message(2, 1_500, orders))[OTHER].estimator == POOLED
    found = standings(message(2, 20_000, orders, depth=DEPTH))
    assert {value.estimator for value in found.values()} == {SLOTS}
    truth = [float((RATE[order[:SEEN]] * DEPTH).mean()) for order in orders]
    assert found[OTHER].difference == pytest.approx(truth[1] - truth[0], abs=0.02)
    assert (found[OTHER].difference_high or 0.0) < 0.0


def test_the_log_seldom_objects_without_reason_however_often_it_is_looked_at() -> None:
    """At most alpha of the logs may do so at any of their looks; the sequence is on the safe side."""
    objections = 0
    for seed in range(25):
        board, objects = Leaderboard(), False
        for part in range(8):
            board.take([message(1_000 * seed + part, 150, [BAD, GOOD])])
            objects |= board.values()[0].estimator == SLOTS
        objections += objects
    assert objections <= 4


@pytest.mark.parametrize(("value", "error", "count"), [(0.01, 0.005, 1_000), (-0.01, 0.004, 90_000), (0.1, 0.02, 300)])
def test_pages_more_is_the_least_number_that_decides(value: float, error: float, count: int) -> None:
    def after(pages: int) -> Difference:
        left = error * (count / pages) ** 0.5
        wide = float(mixture_width(pages, 0.01)) * left
        return Difference(
            value=value,
            standard_error=left,
            low=value - 2.0 * left,
            high=value + 2.0 * left,
            low_anytime=value - wide,
            high_anytime=value + wide,
            verdict=Verdict(""),
        )

    more = pages_more(after(count), count, 0.01)
    assert more is not None
    assert after(count + more).is_sure
    assert more == 0 or not after(count + more - 1).is_sure
    assert pages_more(after(count + more), count + more, 0.01) == 0


def test_only_challengers_are_told_how_many_pages_decide() -> None:
    seen = standings(message(1, 3_000, [BAD, GOOD]))
    assert seen[OTHER].pages_more is not None
    assert (seen[INCUMBENT].pages_more, seen[LOGGED].pages_more) == (None, None)


def _slots_only(told: PagesWeighed) -> tuple[np.ndarray, np.ndarray]:
    weights = np.array(told.weights).reshape(2, -1, SEEN).swapaxes(0, 1) / 4_096
    return weights, np.array(told.played_ms).reshape(-1, SEEN)


def _width(value: PolicyValue) -> float:
    return (value.difference_high or 0.0) - (value.difference_low or 0.0)
