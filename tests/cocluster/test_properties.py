"""Properties over random histories: bookkeeping, batching, relabelling, merging, fold-in."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cocluster.fitting.matching import matched_order, overlap
from processors.cocluster.model.block_model import BlockModel
from processors.cocluster.model.density_table import BINS, DensityTable
from processors.cocluster.model.evidence import edge_evidence, softmax
from processors.cocluster.model.soft_groups import Interactions, soft_groups
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.rethinking import numbered_after
from processors.cocluster.online.settings import LearnerSettings

SETTINGS = LearnerSettings(
    user_groups=2,
    card_groups=3,
    warmup_events=40,
    ring=5,
    max_users=16,
    max_cards=16,
    max_edges=50,
    refresh_events=20,
    restarts=1,
    polish_passes=5,
)

interactions = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.floats(0.0, 1e5, width=32), st.integers(0, 10_000)),
    min_size=1,
    max_size=160,
)


def columns(history: list[tuple[int, int, float, int]]) -> tuple[np.ndarray, ...]:
    return tuple(np.array(column) for column in zip(*history, strict=True))


def alive(rows: Iterable[tuple[bytes, bytes | None]]) -> list[tuple[bytes, bytes]]:
    """What a compacted topic keeps."""
    return [(key, value) for key, value in dict(rows).items() if value is not None]


def fed(history: list[tuple[int, int, float, int]], cuts: list[int]) -> CoClusterLearner:
    learner = CoClusterLearner(SETTINGS, seed=3)
    edges = sorted({0, len(history), *(cut % (len(history) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        learner.learn(*(column[start:end] for column in columns(history)))
    return learner


@settings(max_examples=30, deadline=None)
@given(history=interactions, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_how_a_history_is_cut_changes_no_row(history: list, cuts: list[int]) -> None:
    one, other = fed(history, []), fed(history, cuts)
    assert dict(one.rows_changed()) == dict(other.rows_changed())


@settings(max_examples=30, deadline=None)
@given(history=interactions)
def test_bounds_hold_and_every_ring_is_the_tail_of_its_users_history(history: list) -> None:
    learner = fed(history, [])
    memory = learner.memory
    assert memory.edges_count() <= SETTINGS.max_edges
    assert (memory.nodes.degree <= SETTINGS.ring).all()
    restored = CoClusterLearner.restore(SETTINGS, 3, alive(learner.rows_changed()))
    for slot in memory.user_slots():
        user = int(memory.users.id_of[slot])
        mine = [seconds for who, _, seconds, _ in history if who == user]
        data, slots, _ = memory.sample(10**6, np.random.default_rng(1))
        at = int(np.flatnonzero(slots == slot)[0])
        kept = data.x[data.user == at]
        tail = np.log1p(np.array(mine[len(mine) - memory.nodes.degree[slot] :])).astype(np.float32)
        assert set(kept.tolist()) <= set(tail.tolist())
        mine_again = restored.memory.users.slot_of[user]
        assert mine_again >= 0
        assert restored.memory.nodes.degree[mine_again] == len(kept)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), groups=st.integers(1, 6))
def test_numbers_of_groups_survive_any_relabelling(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    old = rng.dirichlet(np.full(groups, 0.1), size=60)
    order = rng.permutation(groups)
    np.testing.assert_array_equal(old[:, order][:, matched_order(overlap(old, old[:, order]))], old)


def test_numbered_after_moves_blocks_with_their_groups() -> None:
    rng = np.random.default_rng(5)
    data = Interactions(rng.integers(30, size=300), rng.integers(20, size=300), rng.normal(size=300), 30, 20)
    current = soft_groups(data, np.eye(3)[np.arange(30) % 3], np.eye(2)[np.arange(20) % 2])
    shuffled = soft_groups(data, current.user[:, [2, 0, 1]], current.card[:, ::-1])
    np.testing.assert_allclose(numbered_after(current, shuffled).statistics, current.statistics)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), degrees=st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_fold_in_of_many_is_fold_in_of_each_and_of_none_is_the_prior(seed: int, degrees: list[int]) -> None:
    rng = np.random.default_rng(seed)
    model = BlockModel(
        generation=1,
        version=1,
        user_prior=rng.dirichlet(np.ones(3)),
        card_prior=rng.dirichlet(np.ones(4)),
        mean=rng.normal(6, 1, size=(3, 4)),
        variance=rng.uniform(0.2, 1.0, size=(3, 4)),
        count=np.ones((3, 4)),
        global_mean=6.0,
        global_variance=1.0,
    )
    offsets = np.concatenate(([0], np.cumsum(degrees)))
    logits, x = rng.normal(size=(offsets[-1], 4)), rng.normal(6, 1.5, size=offsets[-1])
    together = model.fold_in_users(offsets, softmax(logits), x)
    np.testing.assert_allclose(together.sum(axis=1), 1.0)
    for i, degree in enumerate(degrees):
        part = slice(offsets[i], offsets[i + 1])
        alone = model.fold_in_users(np.array([0, degree]), softmax(logits[part]), x[part])
        np.testing.assert_array_equal(alone[0], together[i])
        if degree == 0:
            np.testing.assert_allclose(together[i], model.user_prior)


@pytest.mark.parametrize("density", [1e-10, 0.3, 40.0])
@pytest.mark.parametrize("edges", [1, 400, 5_000])
def test_evidence_of_many_edges_is_the_sum_of_their_logarithms(density: float, edges: int) -> None:
    rng = np.random.default_rng(edges)
    densities = (density * rng.uniform(0.5, 2.0, size=(BINS, 2, 3))).astype(np.float32)
    weight = rng.dirichlet(np.ones(3), size=edges).astype(np.float32)
    bins = rng.integers(BINS, size=edges)
    x = (bins + 0.5).astype(np.float32)
    evidence = edge_evidence(np.array([0, edges]), weight, x, DensityTable(0.0, 1.0, densities))
    plain = np.log(np.einsum("ek,egk->eg", weight.astype(float), densities[bins].astype(float))).sum(axis=0)
    np.testing.assert_allclose(evidence[0], plain, rtol=1e-6, atol=1e-6 * edges)
