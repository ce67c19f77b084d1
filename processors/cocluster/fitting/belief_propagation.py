"""Belief propagation on the observed streams, one user at a time: the inner loops, compiled.

For an edge between user u and card c with x = log1p(seconds), with N the block densities:

    m(k)       ~ prior(k) exp(evidence of c without this edge)     cavity distribution of c, without u's message
    to_user(g) = log sum_k m(k) N(x; g, k)
    w(g)       ~ prior(g) exp(evidence of u without this edge)     cavity distribution of u
    to_card(k) = log sum_g w(g) N(x; g, k)

and the belief of the edge, w(g) m(k) N(x; g, k) normalised, is what the block statistics sum. Source: Decelle,
Krzakala, Moore & Zdeborova (2011), *Asymptotic analysis of the stochastic block model*, with Normal edges.

The parts of a visit take columns, not the tuples that contain them: taking a column out of a tuple costs an atomic
count, and a part runs once per edge (with 6 x 6 groups a sweep took 910 ns per edge with tuples, 330 without).
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.cocluster.fitting.edge_store import NONE, TO_KEEP, TO_PUBLISH, Graph
from processors.cocluster.model.density_table import BINS
from processors.cocluster.model.time_bins import FIRST_BIN, SECONDS_TOTAL, time_bin
from processors.compiled import borrowing, by_reference, fused

NOTABLE = 0.1  # change of a user's shares (sum over groups, 0 to 2) from which older edges are updated at once


@by_reference
class Beliefs(NamedTuple):
    """Parameters of messages: priors, tabulated densities, and the ageing of edges in the statistics."""

    log_user_prior: FloatArray  # float64 [G]
    log_card_prior: FloatArray  # float64 [K]
    low: float
    bins_per_unit: float
    density: FloatArray  # float32 [BINS, G, K]
    decay_per_ms: float  # an edge weighs exp(-decay * age) in the statistics; 0: no ageing
    now_ms: int


@by_reference
class Scratch(NamedTuple):
    """Buffers for one visit, allocated once."""

    cavity: FloatArray  # float32 [ring, K], m of each edge
    word: FloatArray  # float32 [1, G], w of one edge
    ahead: FloatArray  # float32 [K], sum_g w(g) N(x; g, k)


def scratch(ring: int, user_groups: int, card_groups: int) -> Scratch:
    """Allocate the buffers for a visit to a user with up to `ring` edges."""
    return Scratch(
        cavity=np.zeros((ring, card_groups), np.float32),
        word=np.zeros((1, user_groups), np.float32),
        ahead=np.zeros(card_groups, np.float32),
    )


@by_reference
class Work(NamedTuple):
    """The input of a visit, and the statistics that it updates."""

    beliefs: Beliefs
    room: Scratch
    statistics: FloatArray  # float64 [S, G, K], beliefs of the current edges: rows of `time_bins`, or the first 3
    frozen: FloatArray  # float64 [S, G, K], beliefs of the edges that have left
    fitted: bool  # before the first fit, edges are stored without messages


@fused
def bin_of(x: float, low: float, bins_per_unit: float) -> int:
    """Row of the density table for x."""
    return min(max(int((x - low) * bins_per_unit), 0), BINS - 1)


@fused
def cavity_share(
    rest: FloatArray,
    node: Index,
    base: FloatArray,
    message: FloatArray,
    edge: Index,
    into: FloatArray,
    row: Index,
) -> None:
    """Fill out[row] with softmax(base + rest[node] - message[edge]): the cavity distribution of the node."""
    top = -np.inf
    for i in range(len(base)):
        top = max(top, base[i] + rest[node, i] - message[edge, i])
    total = np.float32(0.0)
    for i in range(len(base)):
        into[row, i] = np.exp(np.float32(base[i] + rest[node, i] - message[edge, i] - top))
        total += into[row, i]
    for i in range(len(base)):
        into[row, i] /= total


@fused
def receive(edge: Index, row: Index, b: Index, cavity: FloatArray, density: FloatArray, to_user: FloatArray) -> None:
    """Update the message of an edge to its user from cavity[row], the card's cavity distribution."""
    for g in range(density.shape[1]):
        total = np.float32(0.0)
        for k in range(density.shape[2]):
            total += cavity[row, k] * density[b, g, k]
        to_user[edge, g] = np.log(total)


@fused
def look_ahead(
    row: Index, b: Index, cavity: FloatArray, density: FloatArray, word: FloatArray, ahead: FloatArray
) -> float:
    """Fill `ahead` with the user's message to the card; return the cavity density of x."""
    for k in range(density.shape[2]):
        ahead[k] = np.float32(0.0)
    for g in range(density.shape[1]):
        for k in range(density.shape[2]):
            ahead[k] += word[0, g] * density[b, g, k]
    total = np.float32(0.0)
    for k in range(density.shape[2]):
        total += cavity[row, k] * ahead[k]
    return float(total)


@fused
def send(
    edge: Index, card: Index, ahead: FloatArray, to_card: FloatArray, evidence: FloatArray, dirty: IntArray
) -> None:
    """Replace the message of an edge to its card."""
    for k in range(len(ahead)):
        message = np.log(ahead[k])
        evidence[card, k] += message - to_card[edge, k]
        to_card[edge, k] = message
    dirty[card] = TO_PUBLISH | TO_KEEP


@fused
def count(
    row: Index,
    b: Index,
    x: float,
    weight: float,
    cavity: FloatArray,
    density: FloatArray,
    word: FloatArray,
    into: FloatArray,
) -> None:
    """Add an edge's belief to the block statistics: soft count, sum, sum of squares; seconds and bin if there are rows.

    `weight` is the age weight over the likelihood.
    """
    in_full = len(into) > SECONDS_TOTAL
    seconds, own_bin = np.expm1(np.float64(x)), FIRST_BIN + time_bin(x)
    for g in range(density.shape[1]):
        share = np.float32(word[0, g] * weight)
        for k in range(density.shape[2]):
            belief = share * cavity[row, k] * density[b, g, k]
            into[0, g, k] += belief
            into[1, g, k] += belief * x
            into[2, g, k] += belief * x * x
            if in_full:
                into[SECONDS_TOTAL, g, k] += belief * seconds
                into[own_bin, g, k] += belief


@fused
def age_weight(event_ms: int, decay_per_ms: float, now_ms: int) -> float:
    """The weight of an edge by its age."""
    weight = 1.0
    if decay_per_ms > 0.0:
        weight = float(np.exp(-decay_per_ms * max(now_ms - event_ms, 0)))
    return weight


@borrowing
def visit(user: Index, only: Index, graph: Graph, work: Work) -> float:
    """Update all messages around one user; count the belief of the edge `only`, or of all edges if NONE.

    Returns the user's part of the Bethe log-likelihood: log Z of the node less log Z of its edges.
    """
    following, card_of, x, event_ms = graph.pool.following, graph.pool.card, graph.pool.x, graph.pool.event_ms
    to_user, to_card = graph.pool.to_user, graph.pool.to_card
    user_evidence, card_evidence, target_evidence = (
        graph.source.user_evidence,
        graph.source.card_evidence,
        graph.target.card_evidence,
    )
    dirty, degree = graph.target.card_dirty, np.int64(graph.source.degree[user])
    base_user, base_card = work.beliefs.log_user_prior, work.beliefs.log_card_prior
    low, bins_per_unit, density = work.beliefs.low, work.beliefs.bins_per_unit, work.beliefs.density
    decay_per_ms, now_ms = work.beliefs.decay_per_ms, work.beliefs.now_ms
    cavity, word, ahead = work.room.cavity, work.room.word, work.room.ahead
    for g in range(len(base_user)):
        user_evidence[user, g] = graph.source.user_frozen[user, g]
    oldest = np.int64(following[graph.source.newest[user]])
    edge = oldest
    for i in range(degree):
        card = np.int64(card_of[edge])
        if card != NONE:
            cavity_share(card_evidence, card, base_card, to_card, edge, cavity, i)
            receive(edge, i, bin_of(x[edge], low, bins_per_unit), cavity, density, to_user)
        for g in range(len(base_user)):
            user_evidence[user, g] += to_user[edge, g]
        edge = np.int64(following[edge])
    objective = log_sum_exp(user_evidence, user, base_user)
    for i in range(degree):
        card = np.int64(card_of[edge])
        if card != NONE:
            cavity_share(user_evidence, user, base_user, to_user, edge, word, 0)
            b = bin_of(x[edge], low, bins_per_unit)
            likelihood = look_ahead(i, b, cavity, density, word, ahead)
            objective -= np.log(likelihood)
            send(edge, card, ahead, to_card, target_evidence, dirty)
            if only == NONE or only == edge:  # noqa: PLR1714, SIM109  numba has no `in` here
                weight = age_weight(event_ms[edge], decay_per_ms, now_ms) / likelihood
                count(i, b, x[edge], weight, cavity, density, word, work.statistics)
        edge = np.int64(following[edge])
    return objective


@borrowing
def meet(user: Index, edge: Index, graph: Graph, work: Work) -> None:
    """Process a new edge: update and count its messages; update the user's others if the user's groups change notably.

    Otherwise the other messages are updated at the user's next visit, at the next sweep at the latest.
    """
    card, x = np.int64(graph.pool.card[edge]), graph.pool.x[edge]
    to_user, to_card = graph.pool.to_user, graph.pool.to_card
    user_evidence = graph.source.user_evidence
    base_user, base_card = work.beliefs.log_user_prior, work.beliefs.log_card_prior
    low, bins_per_unit, density = work.beliefs.low, work.beliefs.bins_per_unit, work.beliefs.density
    decay_per_ms, now_ms = work.beliefs.decay_per_ms, work.beliefs.now_ms
    cavity, word, ahead = work.room.cavity, work.room.word, work.room.ahead
    b = bin_of(x, low, bins_per_unit)
    cavity_share(graph.source.card_evidence, card, base_card, to_card, edge, cavity, 0)
    cavity_share(user_evidence, user, base_user, to_user, edge, word, 0)
    receive(edge, 0, b, cavity, density, to_user)
    likelihood = look_ahead(0, b, cavity, density, word, ahead)
    moved = 0.0
    for g in range(len(base_user)):
        moved += word[0, g] * abs(np.exp(to_user[edge, g]) / likelihood - 1.0)
    if moved > NOTABLE:
        visit(user, edge, graph, work)
        return
    for g in range(len(base_user)):
        user_evidence[user, g] += to_user[edge, g]
    send(edge, card, ahead, to_card, graph.target.card_evidence, graph.target.card_dirty)
    weight = age_weight(graph.pool.event_ms[edge], decay_per_ms, now_ms) / likelihood
    count(0, b, x, weight, cavity, density, word, work.statistics)


@fused
def log_sum_exp(logits: FloatArray, row: Index, base: FloatArray) -> float:
    """Log of the sum of exponentials of base + logits[row]."""
    top = -np.inf
    for i in range(len(base)):
        top = max(top, base[i] + logits[row, i])
    total = 0.0
    for i in range(len(base)):
        total += np.exp(base[i] + logits[row, i] - top)
    return float(top + np.log(total))


@borrowing
def sweep(graph: Graph, work: Work) -> float:
    """Visit every user with edges, counting all beliefs; return the users' part of the Bethe likelihood."""
    objective, every = 0.0, np.int64(NONE)
    for user in range(len(graph.source.degree)):
        if graph.source.degree[user] > 0:
            objective += visit(user, every, graph, work)
    return objective
