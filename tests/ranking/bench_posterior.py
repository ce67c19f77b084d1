"""How far scores are from the truth: error, reported over actual standard deviation, calibration by deciles.

Planted cards of six card groups with known rates, few and many to a group. Run it as `python -m
tests.ranking.bench_posterior [SEEDS]`.
"""

import sys

import numpy as np

from processors.bandit.posterior import posterior
from processors.ranking.calibration import calibration, calibration_error
from processors.ranking.doubt import doubt_of
from processors.ranking.scores import expected

GROUPS, RATE = 6, 0.1
EXPOSURES = (0, 10, 100, 1_000)


def cards_of(seed: int, cards: int) -> tuple[np.ndarray, ...]:
    """Expected exposures, soft groups, true rates, exposures and successes of the cards."""
    rng = np.random.default_rng([seed, 13])
    about = np.repeat(EXPOSURES, cards // len(EXPOSURES)).astype(float)
    group = rng.integers(GROUPS, size=len(about))
    block = np.clip(RATE * np.exp(0.5 * rng.standard_normal((GROUPS, GROUPS))), 0.005, 0.6)
    own = 0.35 * rng.standard_normal((len(about), 1)) + 0.25 * rng.standard_normal((len(about), GROUPS))
    true = np.clip(block[group] * np.exp(own), 0.001, 0.9)
    exposures = rng.poisson(about[:, None] * rng.dirichlet(np.full(GROUPS, 3.0), len(about)))
    return about, np.eye(GROUPS)[group], true, exposures.astype(float), rng.binomial(exposures, true).astype(float)


def main(seeds: int) -> None:
    known = np.eye(GROUPS)
    for cards in (24, 240):
        squares: dict[int, list[tuple[float, float]]] = {about: [] for about in EXPOSURES}
        scores, truths = [], []
        for seed in range(seeds):
            about, groups, true, exposures, earned = cards_of(seed, cards)
            estimate = posterior(exposures, earned, earned, groups)
            found, variance = expected(known, estimate.mean), doubt_of(estimate, known).variance
            error = expected(known, true) - found
            for some in EXPOSURES:
                part = about == some
                squares[some].append((float((error[:, part] ** 2).mean()), float(variance[:, part].mean())))
            scores.append(found.ravel())
            truths.append(expected(known, true).ravel())
        rows = calibration(np.concatenate(scores), np.concatenate(truths))
        print(f"{cards} cards: calibration error {calibration_error(rows):.5f} over scores of {np.mean(scores):.4f}")
        for some, values in squares.items():
            actual, said = np.sqrt(np.mean(values, axis=0))
            print(f"  {some:5d} exposures: error {actual:.4f}, reported over actual {said / actual:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
