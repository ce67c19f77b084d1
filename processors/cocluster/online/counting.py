"""Counts edges into block statistics by their current beliefs, on eviction or for a recount. Compiled."""

import numpy as np

from processors.arrays import FloatArray, Index
from processors.cocluster.fitting.belief_propagation import Work, age_weight, bin_of, cavity_share, count, look_ahead
from processors.cocluster.fitting.edge_store import NONE, Graph
from processors.compiled import borrowing


@borrowing
def freeze(edge: Index, user: Index, graph: Graph, work: Work) -> None:
    """Make the contribution of a leaving edge to its card and to the blocks permanent."""
    card = np.int64(graph.pool.card[edge])
    if not work.fitted or card == NONE:
        return
    to_card, card_frozen = graph.pool.to_card, graph.target.card_frozen
    count_as_believed(edge, user, card, graph, work, work.frozen)
    for k in range(card_frozen.shape[1]):
        card_frozen[card, k] += to_card[edge, k]


@borrowing
def count_as_believed(edge: Index, user: Index, card: Index, graph: Graph, work: Work, into: FloatArray) -> None:
    """Count an edge into the blocks by the current beliefs of its user and card; nothing else changes."""
    x, to_card = graph.pool.x[edge], graph.pool.to_card
    base_user, base_card = work.beliefs.log_user_prior, work.beliefs.log_card_prior
    low, bins_per_unit, density = work.beliefs.low, work.beliefs.bins_per_unit, work.beliefs.density
    decay_per_ms, now_ms = work.beliefs.decay_per_ms, work.beliefs.now_ms
    cavity, word, ahead = work.room.cavity, work.room.word, work.room.ahead
    cavity_share(graph.source.card_evidence, card, base_card, to_card, edge, cavity, 0)
    cavity_share(graph.source.user_evidence, user, base_user, graph.pool.to_user, edge, word, 0)
    b = bin_of(x, low, bins_per_unit)
    likelihood = look_ahead(0, b, cavity, density, word, ahead)
    weight = age_weight(graph.pool.event_ms[edge], decay_per_ms, now_ms) / likelihood
    count(0, b, x, weight, cavity, density, word, into)


@borrowing
def recount(graph: Graph, work: Work) -> None:
    """Count the beliefs of all current edges without changing messages, unlike a sweep."""
    following, card_of = graph.pool.following, graph.pool.card
    for user in range(len(graph.source.degree)):
        edge = np.int64(graph.source.newest[user])
        for _ in range(graph.source.degree[user]):
            edge = np.int64(following[edge])
            card = np.int64(card_of[edge])
            if card != NONE:
                count_as_believed(edge, user, card, graph, work, work.statistics)
