"""Weighed pages for tests: a log under one policy, as candidates weigh it."""

from collections.abc import Sequence

import numpy as np

from schemas.policy_evidence import WEIGHT_UNITS, PagesWeighed

INCUMBENT, OTHER, THIRD = "mean/epsilon-greedy-0.1", "static/greedy", "mean/uniform"


def pages_weighed(
    weights: np.ndarray,
    played_ms: np.ndarray,
    *,
    previous_ms: np.ndarray | None = None,
    pooled: np.ndarray | None = None,
    names: Sequence[str] = (INCUMBENT, OTHER),
    source: str = "listeners/0",
    first: int = 0,
) -> PagesWeighed:
    """Pages with weights [pages, candidates, slots] and played time [pages, slots]; corrections if `previous_ms`.

    `pooled` weights are the weights themselves, by default, as of a shelf with one seen slot.
    """
    pages, _, slots = weights.shape
    before = np.zeros_like(played_ms) if previous_ms is None else previous_ms
    numbers = range(first, first + pages)
    return PagesWeighed(
        source=source,
        candidates=tuple(names),
        user_id=tuple(f"u{number}" for number in numbers),
        impression_id=tuple(f"{source}-i{number}" for number in numbers),
        shown_ms=tuple(numbers),
        is_first=(previous_ms is None,) * pages,
        seen=(slots,) * pages,
        row=(0,) * (pages * slots),
        slot=tuple(range(slots)) * pages,
        played_ms=tuple(played_ms.ravel().tolist()),
        previous_ms=tuple(before.ravel().tolist()),
        weights=_in_units(weights),
        pooled=_in_units(weights if pooled is None else pooled),
    )


def _in_units(weights: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(np.rint(column * WEIGHT_UNITS).astype(int).ravel().tolist()) for column in weights.swapaxes(0, 1)
    )


def log(
    seed: int, pages: int, *, slots: int = 4, effect: float = 0.0, share: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Pages of uniform orders of good and bad cards, and two candidates: uniform, and more good cards than bad ones.

    A card is good with probability one half; a good one is streamed with .2 + `effect`, a bad one with .2 - `effect`.
    The first candidate shows both alike, the second one good cards with probability `share`.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x10C,)))
    is_good = rng.random((pages, slots)) < 0.5
    second = np.where(is_good, 2.0 * share, 2.0 * (1.0 - share))
    rate = np.where(is_good, 0.2 + effect, 0.2 - effect)
    played_ms = (rng.random((pages, slots)) < rate) * rng.integers(30_000, 600_000, (pages, slots))
    return np.stack([np.ones_like(second), second], axis=1), played_ms
