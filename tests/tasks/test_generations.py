"""Groups of earlier generations: what comes late ends where it would be if it had come in time."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.arrays import FloatArray
from processors.generations import GENERATIONS_MAX, Generations


def overlaps(seed: int, groups: list[int]) -> list[FloatArray]:
    """Overlaps between generations with so many groups, rows summing to one, some shares being zero."""
    rng = np.random.default_rng(seed)
    drawn = [rng.dirichlet(np.ones(new) * 0.3, size=old) for old, new in pairwise(groups)]
    return [np.where(one < 1e-3, 0.0, one) / np.where(one < 1e-3, 0.0, one).sum(1, keepdims=True) for one in drawn]


def chain_of(steps: list[FloatArray]) -> Generations:
    chain = Generations(generation=0, groups=len(steps[0]) if steps else 1)
    for number, overlap in enumerate(steps):
        chain.advance(number + 1, overlap)
    return chain


GROUPS = st.lists(st.integers(1, 5), min_size=2, max_size=8)


@given(GROUPS, st.integers(0, 2**32), st.integers(0, 7))
def test_what_comes_late_ends_where_it_would_be_if_it_had_come_in_time(groups: list[int], seed: int, at: int) -> None:
    steps = overlaps(seed, groups)
    generation = at % len(groups)
    weights = np.random.default_rng(seed).dirichlet(np.ones(groups[generation]), size=3)
    in_time = weights
    for overlap in steps[generation:]:
        in_time = in_time @ overlap
    chain = chain_of(steps)
    assert chain.knows(generation, groups[generation])
    assert not chain.knows(generation, groups[generation] + 1)
    late = chain.moved(generation, weights)
    np.testing.assert_allclose(late, in_time, atol=1e-12)
    credit = np.random.default_rng(seed + 1).random(weights.shape)
    assert (chain.moved(generation, weights * credit) <= late).all(), "credits remain within exposures, to the last bit"


@given(GROUPS, st.integers(0, 2**32), st.integers(0, 7))
def test_means_moved_back_give_the_sums_that_weights_moved_forward_give(groups: list[int], seed: int, at: int) -> None:
    generation = at % len(groups)
    rng, chain = np.random.default_rng(seed), chain_of(overlaps(seed, groups))
    weights, means = rng.dirichlet(np.ones(groups[generation]), size=4), rng.random((4, groups[-1]))
    forward = (chain.moved(generation, weights) * means).sum(axis=1)
    back = chain.moved_back(generation, means)
    np.testing.assert_allclose((weights * back).sum(axis=1), forward, atol=1e-12)
    assert (back >= means.min(axis=1, keepdims=True) - 1e-12).all()
    assert (back <= means.max(axis=1, keepdims=True) + 1e-12).all()


@given(GROUPS, st.integers(0, 2**32))
def test_a_restart_changes_no_bit_and_rows_need_no_company(groups: list[int], seed: int) -> None:
    chain = chain_of(overlaps(seed, groups))
    again = Generations.of(chain.row())
    assert again.row() == chain.row()
    for generation, width in enumerate(groups):
        values = np.random.default_rng(seed).random((5, width))
        moved = chain.moved(generation, values)
        assert again.moved(generation, values).tolist() == moved.tolist()
        assert [chain.moved(generation, values[[row]])[0].tolist() for row in range(5)] == moved.tolist()


def test_no_more_generations_are_remembered_than_are_needed() -> None:
    chain = chain_of([np.eye(2)] * (GENERATIONS_MAX + 6))
    newest = GENERATIONS_MAX + 6
    known = [generation for generation in range(newest + 2) if chain.knows(generation, 2)]
    assert known == list(range(newest - GENERATIONS_MAX, newest + 1))
