"""Belief propagation on the observed streams, a user at a time: the inner loops, compiled.

For an edge between user u and card c with x = log1p(seconds), with N the block densities:

    m(k)       ~ prior(k) exp(evidence of c without this edge)        what c is, not counting u's word
    to_user(g) = log sum_k m(k) N(x; g, k)
    w(g)       ~ prior(g) exp(evidence of u without this edge)
    to_card(k) = log sum_g w(g) N(x; g, k)

and the belief of the edge, w(g) m(k) N(x; g, k) normalised, is what the blocks count. Source:
Decelle, Krzakala,
Moore & Zdeborova (2011), *Asymptotic analysis of the stochastic block model*, with Normal instead of
Bernoulli edges.
"""

from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.compiled import compiled
from processors.cocluster.density_table import BINS
from processors.cocluster.edge_store import NONE, Graph


class Beliefs(NamedTuple):
    """What messages are computed with: priors, tabulated densities, and how edges age in the statistics."""

    log_user_prior: FloatArray  # float64 [G]
    log_card_prior: FloatArray  # float64 [K]
    low: float
    bins_per_unit: float
    density: FloatArray  # float32 [BINS, G, K]
    decay_per_ms: float  # an edge weighs exp(-decay * age) in the statistics; 0: all alike
    now_ms: int


class Scratch(NamedTuple):
    """Room for one visit, allocated once."""

    cavity: FloatArray  # float32 [ring, K], m of each edge
    word: FloatArray  # float32 [G], w of one edge
    ahead: FloatArray  # float32 [K], sum_g w(g) N(x; g, k)
    user_logits: FloatArray  # float64 [G]
    card_logits: FloatArray  # float64 [K]
    likelihood: FloatArray  # float64 [1], of the edge that was predicted last


def scratch(ring: int, user_groups: int, card_groups: int) -> Scratch:
    """Allocate the room of a visit to a user with up to `ring` edges."""
    return Scratch(
        cavity=np.zeros((ring, card_groups), np.float32),
        word=np.zeros(user_groups, np.float32),
        ahead=np.zeros(card_groups, np.float32),
        user_logits=np.zeros(user_groups),
        card_logits=np.zeros(card_groups),
        likelihood=np.ones(1),
    )


class Work(NamedTuple):
    """What a visit works with, and what it counts into."""

    beliefs: Beliefs
    room: Scratch
    statistics: (
        FloatArray  # float64 [3, G, K], beliefs of the edges that are there: count, sum, sum of squares
    )
    frozen: FloatArray  # float64 [3, G, K], beliefs of the edges that have left
    fitted: bool  # before the first fit edges are kept and say nothing


@compiled
def exponentiate(logits: FloatArray, out: FloatArray) -> float:
    """Softmax of one short row into `out`; returns its log-sum-exp."""
    top = logits[0]
    for i in range(1, len(logits)):
        top = max(top, logits[i])
    total = np.float32(0.0)
    for i in range(len(logits)):
        out[i] = np.exp(np.float32(logits[i] - top))
        total += out[i]
    for i in range(len(logits)):
        out[i] /= total
    log_sum: float = top + np.log(np.float64(total))
    return log_sum


@compiled
def bin_of(x: float, beliefs: Beliefs) -> int:
    """Give the row of the density table for x."""
    return min(max(int((x - beliefs.low) * beliefs.bins_per_unit), 0), BINS - 1)


@compiled
def hear_card(edge: int, i: int, graph: Graph, work: Work) -> None:
    """Renew what edge number i of a ring tells its user."""
    beliefs, room, pool = work.beliefs, work.room, graph.pool
    card, b = pool.card[edge], bin_of(pool.x[edge], beliefs)
    for k in range(len(room.card_logits)):
        evidence = graph.heard.card_evidence[card, k] - pool.to_card[edge, k]
        room.card_logits[k] = beliefs.log_card_prior[k] + evidence
    exponentiate(room.card_logits, room.cavity[i])
    for g in range(len(room.word)):
        total = np.float32(0.0)
        for k in range(len(room.ahead)):
            total += room.cavity[i, k] * beliefs.density[b, g, k]
        pool.to_user[edge, g] = np.log(total)


@compiled
def predict(edge: int, i: int, user: int, graph: Graph, work: Work) -> float:
    """Fill `word` and `ahead` for edge number i of a ring; returns the density that its x had without it."""
    beliefs, room, pool = work.beliefs, work.room, graph.pool
    b = bin_of(pool.x[edge], beliefs)
    for g in range(len(room.word)):
        room.user_logits[g] = graph.heard.user_logit[user, g] - pool.to_user[edge, g]
    exponentiate(room.user_logits, room.word)
    room.ahead[:] = 0.0
    for g in range(len(room.word)):
        for k in range(len(room.ahead)):
            room.ahead[k] += room.word[g] * beliefs.density[b, g, k]
    total = 0.0
    for k in range(len(room.ahead)):
        total += np.float64(room.cavity[i, k]) * room.ahead[k]
    room.likelihood[0] = total
    return total


@compiled
def tell_card(edge: int, graph: Graph, work: Work) -> None:
    """Replace what the edge told its card."""
    card = graph.pool.card[edge]
    for k in range(len(work.room.ahead)):
        message = np.float32(np.log(work.room.ahead[k]))
        graph.told.card_evidence[card, k] += message - graph.pool.to_card[edge, k]
        graph.pool.to_card[edge, k] = message
    graph.told.card_dirty[card] = 1


@compiled
def count_belief(edge: int, i: int, graph: Graph, work: Work, into: FloatArray) -> None:
    """Add the belief of the edge that was predicted last to block statistics."""
    beliefs, room = work.beliefs, work.room
    x = np.float64(graph.pool.x[edge])
    b = bin_of(graph.pool.x[edge], beliefs)
    weight = 1.0 / room.likelihood[0]
    if beliefs.decay_per_ms > 0.0:
        weight *= np.exp(-beliefs.decay_per_ms * max(beliefs.now_ms - graph.pool.event_ms[edge], 0))
    for g in range(len(room.word)):
        for k in range(len(room.ahead)):
            belief = weight * room.word[g] * room.cavity[i, k] * beliefs.density[b, g, k]
            into[0, g, k] += belief
            into[1, g, k] += belief * x
            into[2, g, k] += belief * x * x


@compiled
def visit(user: int, only: int, graph: Graph, work: Work) -> float:
    """Renew all messages around one user; count the belief of the edge `only`, or of all edges if NONE.

    Returns the user's part of the Bethe log-likelihood: log Z of the node less log Z of its edges.
    """
    pool, nodes, room = graph.pool, graph.heard, work.room
    logit = nodes.user_logit[user]
    for g in range(len(room.word)):
        logit[g] = work.beliefs.log_user_prior[g] + nodes.user_frozen[user, g]
    oldest = pool.following[nodes.newest[user]]
    edge = oldest
    for i in range(nodes.degree[user]):
        if pool.card[edge] != NONE:
            hear_card(edge, i, graph, work)
        for g in range(len(room.word)):
            logit[g] += pool.to_user[edge, g]
        edge = pool.following[edge]
    objective = exponentiate(logit, room.word)
    edge = oldest
    for i in range(nodes.degree[user]):
        if pool.card[edge] != NONE:
            objective -= np.log(predict(edge, i, user, graph, work))
            tell_card(edge, graph, work)
            if only == NONE or only == edge:  # noqa: PLR1714, SIM109  numba has no `in` for mixed integers
                count_belief(edge, i, graph, work, work.statistics)
        edge = pool.following[edge]
    return objective


@compiled
def sweep(graph: Graph, work: Work) -> float:
    """Visit every user with edges, counting all beliefs; return the users' part of the Bethe likelihood."""
    objective = 0.0
    for user in range(len(graph.heard.degree)):
        if graph.heard.degree[user] > 0:
            objective += visit(user, NONE, graph, work)
    return objective
