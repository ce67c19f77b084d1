"""Messages around a new interaction, and passes over a batch, agree with belief propagation told plainly."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cocluster.fitting.belief_propagation import NOTABLE, Beliefs, bin_of, sweep
from processors.cocluster.fitting.message_passing import MessagePassing, beliefs_of
from processors.cocluster.model.evidence import log_softmax, softmax
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.model.time_bins import COUNT, STATISTICS
from processors.cocluster.online.interaction_memory import InteractionMemory
from processors.cocluster.online.ring_memory import Columns, ring_edges
from processors.cocluster.online.settings import LearnerSettings
from tests.cocluster.told_messages import ToldPasses, log_sum


def small_table(seed: int, edges: int) -> tuple[Interactions, SoftGroups]:
    """A random table of up to 12 users and 6 cards in random soft groups; some have no edge, some many."""
    rng = np.random.default_rng(seed)
    users, cards, user_groups, card_groups = (int(rng.integers(1, most)) for most in (12, 6, 4, 4))
    user, card = rng.integers(users, size=edges), rng.integers(cards, size=edges)
    x = rng.normal(5.0, 1.5, size=edges)
    data = Interactions(user, card, x, users, cards)
    sides = rng.dirichlet(np.ones(user_groups), size=users), rng.dirichlet(np.ones(card_groups), size=cards)
    return data, soft_groups(data, *sides)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), edges=st.integers(20, 150), passes=st.integers(1, 4))
def test_passes_as_probabilities_agree_with_passes_as_logarithms(seed: int, edges: int, passes: int) -> None:
    data, groups = small_table(seed, edges)
    run, told = MessagePassing(data, groups), ToldPasses(data, groups)
    run.run(passes)
    told.run(passes)
    found = run.groups()
    np.testing.assert_allclose(found.user, told.user, atol=1e-6)
    np.testing.assert_allclose(found.card, told.card, atol=1e-6)
    np.testing.assert_allclose(found.statistics, told.statistics, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run.objective, told.objective / len(data), atol=1e-6)


SETTINGS = LearnerSettings(user_groups=3, card_groups=4, ring=6, max_users=16, max_cards=16, max_edges=60)


class Met:
    """A memory of random interactions whose messages were swept, and beliefs whose blocks lie `spread` apart."""

    def __init__(self, seed: int, events: int, spread: float) -> None:
        self.rng = np.random.default_rng(seed)
        size = SETTINGS.user_groups, SETTINGS.card_groups
        mean = 5.0 + spread * self.rng.normal(size=size)
        count = self.rng.uniform(50.0, 500.0, size=size)
        blocks = np.stack((count, count * mean, count * (mean * mean + 0.7)))
        priors = [self.rng.dirichlet(np.full(groups, 5.0)) for groups in size]
        self.beliefs: Beliefs = beliefs_of(blocks, *priors)
        self.memory = InteractionMemory(SETTINGS)
        self.statistics = np.zeros((STATISTICS, *size))
        self.take(events, fitted=False)
        work = self.memory.work(self.beliefs, np.zeros_like(self.statistics), fitted=True)
        for _ in range(2):
            sweep(self.memory.graph, work)

    def take(self, events: int, *, fitted: bool) -> Columns:
        ids = [self.rng.integers(most, size=events) for most in (8, 10)]
        x = self.rng.normal(5.0, 1.5, size=events).astype(np.float32)
        columns = Columns(*ids, x, np.arange(events, dtype=np.int64))
        self.memory.take(columns, self.memory.work(self.beliefs, self.statistics, fitted=fitted))
        return columns

    def density(self, x: float) -> np.ndarray:
        density: np.ndarray = self.beliefs.density[bin_of(x, self.beliefs.low, self.beliefs.bins_per_unit)]
        return density.astype(np.float64)

    def edges(self, user: int) -> np.ndarray:
        return ring_edges(np.array([user]), self.memory.columns)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), events=st.integers(1, 40), spread=st.sampled_from((0.0, 0.1, 0.3, 1.0)))
def test_a_new_interaction_is_heard_told_and_counted_and_renews_the_rest_where_it_moves_its_user(
    seed: int, events: int, spread: float
) -> None:
    met = Met(seed, events, spread)
    pool, nodes = met.memory.pool, met.memory.nodes
    was_user, was_card = nodes.user_evidence.copy(), nodes.card_evidence.copy()
    was_told, was_heard = pool.to_card.copy(), pool.to_user.copy()
    new = met.take(1, fitted=True)
    user, card = met.memory.users.slot_of[new.user[0]], met.memory.cards.slot_of[new.card[0]]
    *others, edge = met.edges(user).tolist()
    density = met.density(float(new.x[0]))
    m = softmax(met.beliefs.log_card_prior + was_card[card])
    heard = np.log(density @ m)
    before = softmax(met.beliefs.log_user_prior + was_user[user])
    after = softmax(met.beliefs.log_user_prior + was_user[user] + heard)
    moved = np.abs(after - before).sum()
    np.testing.assert_allclose(met.statistics[COUNT].sum(), 1.0, rtol=1e-5)
    if abs(moved - NOTABLE) < 1e-4 or len(others) + 1 == SETTINGS.ring:
        return
    if moved < NOTABLE:
        np.testing.assert_allclose(pool.to_user[edge], heard, atol=1e-5)
        np.testing.assert_allclose(nodes.user_evidence[user], was_user[user] + heard, atol=1e-5)
        np.testing.assert_allclose(pool.to_card[edge], np.log(before @ density), atol=1e-5)
        np.testing.assert_array_equal(pool.to_card[others], was_told[others])
        np.testing.assert_array_equal(pool.to_user[others], was_heard[others])
        belief = before[:, None] * m * density
        np.testing.assert_allclose(met.statistics[COUNT], belief / belief.sum(), atol=1e-5)
    for one in (*others, edge) if moved > NOTABLE else ():
        word = log_softmax(met.beliefs.log_user_prior + nodes.user_evidence[user] - pool.to_user[one])
        with np.errstate(divide="ignore"):
            told = log_sum(word[:, None] + np.log(met.density(float(pool.x[one]))), axis=0)
        np.testing.assert_allclose(pool.to_card[one], told, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), events=st.integers(1, 150), spread=st.sampled_from((0.1, 0.3, 1.0)))
def test_evidence_is_the_sum_of_messages_whatever_came_and_left(seed: int, events: int, spread: float) -> None:
    met = Met(seed, 30, spread)
    met.take(events, fitted=True)
    pool, nodes = met.memory.pool, met.memory.nodes
    told = nodes.card_frozen.astype(np.float64)
    for user in met.memory.user_slots().tolist():
        edges = met.edges(user)
        heard = nodes.user_frozen[user] + pool.to_user[edges].sum(axis=0, dtype=np.float64)
        np.testing.assert_allclose(nodes.user_evidence[user], heard, atol=1e-4)
        np.add.at(told, pool.card[edges], pool.to_card[edges])
    np.testing.assert_allclose(nodes.card_evidence, told, atol=1e-4)
    placed = met.statistics[COUNT].sum()
    np.testing.assert_allclose(placed, events, rtol=1e-4)
