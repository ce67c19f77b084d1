"""How sure scores are, and whether they come true."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from processors.bandit.posterior import posterior
from processors.ranking.doubt import doubt_of
from processors.ranking.scores import expected
from schemas.impressions import Impression, ShownShelf
from schemas.outcomes import OutcomeSettled
from schemas.rankings import ShelfRanking
from streams.demo.calibrated import demo_calibration
from tests.builders import outcome
from tests.ranking.test_pages import learned, maker, request

GROUPS = 6
EXPOSURES = (0, 10, 100, 1_000)


def cards_of(seed: int, rate: float, to_each: int = 60) -> tuple[np.ndarray, ...]:
    """Expected exposures, soft groups, true rates, exposures and successes of cards, as in the planted worlds."""
    rng = np.random.default_rng([seed, 11])
    about = np.repeat(EXPOSURES, to_each).astype(float)
    group = rng.integers(GROUPS, size=len(about))
    block = np.clip(rate * np.exp(0.5 * rng.standard_normal((GROUPS, GROUPS))), 0.005, 0.6)
    own = 0.35 * rng.standard_normal((len(about), 1)) + 0.25 * rng.standard_normal((len(about), GROUPS))
    true = np.clip(block[group] * np.exp(own), 0.001, 0.9)
    exposures = rng.poisson(about[:, None] * rng.dirichlet(np.full(GROUPS, 3.0), len(about)))
    return about, np.eye(GROUPS)[group], true, exposures.astype(float), rng.binomial(exposures, true).astype(float)


@pytest.mark.parametrize("to_each", [6, 60], ids=["few cards", "many cards"])
@pytest.mark.parametrize("rate", [0.05, 0.2])
@pytest.mark.parametrize("weights", [np.full((1, GROUPS), 1 / GROUPS), np.eye(GROUPS)[:1]], ids=["newcomer", "known"])
def test_scores_lie_as_far_from_the_truth_as_they_are_said_to(weights: np.ndarray, rate: float, to_each: int) -> None:
    squares: dict[float, list[tuple[float, float]]] = {about: [] for about in EXPOSURES}
    for seed in range(1_800 // to_each):
        about, groups, true, exposures, earned = cards_of(seed, rate, to_each)
        estimate = posterior(exposures, earned, earned, groups)
        error = (expected(weights, true) - expected(weights, estimate.mean))[0]
        variance = doubt_of(estimate, weights).variance[0]
        for some in EXPOSURES:
            part = about == some
            squares[some].append((float((error[part] ** 2).mean()), float(variance[part].mean())))
    for some, found in squares.items():
        actual, said = np.sqrt(np.mean(found, axis=0))
        assert 0.87 < said / actual < 1.25, f"{some} exposures: {said:.4f} said, {actual:.4f} seen"


def test_what_happened_in_a_cell_counts_there_once() -> None:
    _, groups, _, exposures, earned = cards_of(1, 0.2)
    row = int(np.flatnonzero(exposures[:, 0] > 20)[0])
    before = posterior(exposures, earned, earned, groups)
    more = earned.copy()
    more[row, 0] += 1.0
    after = posterior(exposures, more, more, groups)
    moved = after.mean[row] - before.mean[row]
    assert moved[0] == pytest.approx(1.0 / before.count[row, 0], rel=0.1)
    assert (moved[1:] > 0.0).all(), "the other groups learn from it"


def history(pages: list[ShelfRanking], success: dict[str, bool]) -> Iterator[tuple[Impression, list[OutcomeSettled]]]:
    """Every listener sees the first shelf of its page, and streams those cards for an hour that are a success."""
    for page in pages:
        shelf = page.shelves[0]
        cards = shelf.cards
        impression = Impression(
            event_id=f"of {page.user_id}",
            user_id=page.user_id,
            event_ms=10,
            ranking_number=page.ranking_number,
            shelves=(ShownShelf(shelf_id=shelf.shelf_id, cards=cards, propensities=shelf.propensities, seen=(0, 1)),),
        )
        settled = [
            msgspec.structs.replace(
                outcome(card_id=cards[slot], user_id=page.user_id, weights=page.user_weights, generation=1),
                impression_id=impression.event_id,
                slot=slot,
                shown_ms=10,
                settled_ms=11,
                played_ms=3_600_000 * success[cards[slot]],
                stream_count=int(success[cards[slot]]),
            )
            for slot in (0, 1)
        ]
        yield impression, settled


def test_scores_shown_are_joined_with_what_came_of_them() -> None:
    known = learned()
    known.rewards = ("mean",)
    pages = maker("epsilon-greedy", reward="mean").rank(known, [request(f"u{n}", number=n + 1) for n in range(50)])
    success = {f"c{n}": n % 3 == 0 for n in range(12)}
    told = list(history(pages, success))
    impressions = [impression for impression, _ in told]
    outcomes = [one for _, settled in told for one in settled]
    shown = {(page.user_id, page.ranking_number): page for page in pages}
    rows = demo_calibration(known, shown, impressions, outcomes, from_ms=0)
    assert [row.exposures for row in rows] == [10] * 10
    assert [row.score for row in rows] == sorted(row.score for row in rows)
    scores = [score for page in pages for score in page.shelves[0].scores[:2]]
    assert np.mean([row.score for row in rows]) == pytest.approx(np.mean(scores), abs=1e-5)
    assert np.mean([row.realised for row in rows]) == pytest.approx(np.mean([success[o.card_id] for o in outcomes]))
    assert demo_calibration(known, shown, impressions, outcomes, from_ms=11) == []
    assert demo_calibration(known, {}, impressions, outcomes, from_ms=0) == []
