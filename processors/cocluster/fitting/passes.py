"""Passes of belief propagation over a batch: the messages of `belief_propagation` as plain probabilities.

Messages are products of densities, so a pass needs no logarithm and no exponential per edge: a user's products are
computed again at each visit, a card receives the ratio of new to old messages, and several ratios are turned into one
logarithm (`RATIOS_MAX`), which also updates the card's soft group. Beliefs are counted by bin of x, and become block
statistics at the end of a pass. All steps between passes are compiled with them: a fit makes hundreds of passes.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.cocluster.model.binned_table import BinnedTable
from processors.cocluster.model.block_statistics import shrunk_blocks
from processors.cocluster.model.density_table import DENSITY_FLOOR
from processors.cocluster.model.soft_groups import PRIOR_PSEUDO_COUNT
from processors.compiled import borrowing, by_reference, compiled, fused

RATIOS_MAX = 16  # messages lie within 1e-10 and 1e+10: products of this many neither underflow nor overflow


@by_reference
class Messages(NamedTuple):
    """The state of message passing over a table with U users, C cards and E edges."""

    to_card: FloatArray  # float32 [E, K], messages of users to cards
    evidence: FloatArray  # float64 [C, K], logarithms of the messages that cards have received
    ratio: FloatArray  # float64 [C, K], new over old messages, not yet part of the evidence
    pending: IntArray  # int64 [C], number of factors in these ratios
    card: FloatArray  # float64 [C, K], soft groups
    user: FloatArray  # float64 [U, G], soft groups


@compiled
def densities(table: BinnedTable, statistics: FloatArray) -> FloatArray:
    """Tabulate the block densities at the bins' means: float32 [BINS, G, K]."""
    mean, variance, _, _ = shrunk_blocks(statistics)
    density = np.empty((len(table.bin_x), *mean.shape), np.float32)
    for g in range(mean.shape[0]):
        for k in range(mean.shape[1]):
            sd = np.sqrt(variance[g, k])
            for b in range(len(table.bin_x)):
                z = (table.bin_x[b] - mean[g, k]) / sd
                density[b, g, k] = max(np.exp(-0.5 * z * z) / (sd * np.sqrt(2.0 * np.pi)), DENSITY_FLOOR)
    return density


@borrowing
def start(table: BinnedTable, messages: Messages, density: FloatArray, log_card_prior: FloatArray) -> None:
    """Initialise messages to cards from the users' soft groups; cards have no other evidence."""
    to_card, ratio, pending, user = messages.to_card, messages.ratio, messages.pending, messages.user
    for node in range(len(user)):
        for edge in range(table.offsets[node], table.offsets[node + 1]):
            card, b = table.card[edge], table.bin[edge]
            for k in range(to_card.shape[1]):
                total = np.float32(0.0)
                for g in range(user.shape[1]):
                    total += np.float32(user[node, g]) * density[b, g, k]
                to_card[edge, k] = total
                ratio[card, k] *= total
            pending[card] += 1
            if pending[card] == RATIOS_MAX:
                settle(card, messages, log_card_prior)
    for card in range(len(pending)):
        settle(card, messages, log_card_prior)


@borrowing
def settle(card: Index, messages: Messages, log_card_prior: FloatArray) -> float:
    """Move the ratios of a card into its evidence, and update its soft group; returns its log-likelihood."""
    evidence, ratio, pending, groups = messages.evidence, messages.ratio, messages.pending, messages.card
    top = -np.inf
    for k in range(evidence.shape[1]):
        evidence[card, k] += np.log(ratio[card, k])
        ratio[card, k] = 1.0
        top = max(top, evidence[card, k] + log_card_prior[k])
    pending[card] = 0
    total = 0.0
    for k in range(evidence.shape[1]):
        groups[card, k] = np.exp(evidence[card, k] + log_card_prior[k] - top)
        total += groups[card, k]
    for k in range(evidence.shape[1]):
        groups[card, k] /= total
    return float(top + np.log(total))


@compiled
def make_passes(
    table: BinnedTable,
    messages: Messages,
    statistics: FloatArray,
    user_prior: FloatArray,
    card_prior: FloatArray,
    passes: int,
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Visit all users `passes` times, updating blocks [3, G, K] and priors [G], [K] after each pass.

    Returns their final values, and the Bethe log-likelihood of the last pass.
    """
    objective = 0.0
    for _ in range(passes):
        density = densities(table, statistics)
        tally = np.zeros(density.shape)
        log_card_prior = logarithms(card_prior)
        objective = visit_all(table, messages, density, user_prior, log_card_prior, tally)
        for card in range(len(messages.card)):
            objective += settle(card, messages, log_card_prior)
        user_prior, renewed = shares(messages.user), shares(messages.card)
        weigh_anew(messages.card, renewed, card_prior)
        card_prior = renewed
        statistics = counted(table, density, tally)
    return statistics, user_prior, card_prior, objective


@borrowing
def weigh_anew(groups: FloatArray, prior: FloatArray, previous: FloatArray) -> None:
    """Apply another prior to soft groups [n, G] than the previous one."""
    for node in range(len(groups)):
        for group in range(groups.shape[1]):
            groups[node, group] *= prior[group] / previous[group]
        normalised(groups, node)


@compiled
def shares(groups: FloatArray) -> FloatArray:
    """Share of each group among nodes with these soft groups [n, G], shrunk as in `group_prior`.

    >>> shares(np.array([[0.75, 0.25]])).tolist()
    [0.5833333333333334, 0.4166666666666667]
    """
    share = np.empty(groups.shape[1])
    total = 0.0
    for group in range(groups.shape[1]):
        share[group] = PRIOR_PSEUDO_COUNT
        for node in range(len(groups)):
            share[group] += groups[node, group]
        total += share[group]
    for group in range(groups.shape[1]):
        share[group] /= total
    return share


@compiled
def logarithms(values: FloatArray) -> FloatArray:
    """Logarithms [n], in a loop: compiling an array expression takes much longer."""
    out = np.empty(len(values))
    for index in range(len(values)):
        out[index] = np.log(values[index])
    return out


@compiled
def counted(table: BinnedTable, density: FloatArray, tally: FloatArray) -> FloatArray:
    """Block statistics [3, G, K] from beliefs counted by bin, multiplied by the density that they lack."""
    statistics = np.zeros((3, density.shape[1], density.shape[2]))
    for b in range(len(density)):
        for g in range(density.shape[1]):
            for k in range(density.shape[2]):
                belief = tally[b, g, k] * density[b, g, k]
                statistics[0, g, k] += belief
                statistics[1, g, k] += belief * table.bin_x[b]
                statistics[2, g, k] += belief * table.bin_square[b]
    return statistics


@compiled
def visit_all(
    table: BinnedTable,
    messages: Messages,
    density: FloatArray,
    user_prior: FloatArray,
    log_card_prior: FloatArray,
    tally: FloatArray,
) -> float:
    """Update all messages, user by user; returns the users' part of the Bethe log-likelihood."""
    offsets, card_of, bin_of = table.offsets, table.card, table.bin
    to_card, ratio, pending, card_groups, user_groups = (
        messages.to_card,
        messages.ratio,
        messages.pending,
        messages.card,
        messages.user,
    )
    degree_max = 0
    for node in range(len(user_groups)):
        degree_max = max(degree_max, offsets[node + 1] - offsets[node])
    cavity = np.empty((degree_max, to_card.shape[1]), np.float32)
    incoming = np.empty((degree_max, user_groups.shape[1]), np.float32)
    word = np.empty(user_groups.shape[1], np.float32)
    objective, likelihoods = 0.0, 1.0
    for node in range(len(user_groups)):
        first = offsets[node]
        for g in range(len(user_prior)):
            user_groups[node, g] = user_prior[g]
        for edge in range(first, offsets[node + 1]):
            card, b, i = np.int64(card_of[edge]), np.int64(bin_of[edge]), edge - first
            receive(card, edge, b, i, card_groups, to_card, density, cavity, incoming)
            for g in range(len(user_prior)):
                user_groups[node, g] *= incoming[i, g]
            if i % RATIOS_MAX == RATIOS_MAX - 1:
                objective += normalised(user_groups, node)
        objective += normalised(user_groups, node)
        for edge in range(first, offsets[node + 1]):
            card, b, i = np.int64(card_of[edge]), np.int64(bin_of[edge]), edge - first
            without_edge(user_groups, node, incoming, i, word)
            likelihood = send(card, edge, b, i, word, cavity, density, to_card, ratio)
            count(b, i, word, cavity, likelihood, tally)
            likelihoods *= likelihood
            if i % RATIOS_MAX == RATIOS_MAX - 1:
                objective -= np.log(likelihoods)
                likelihoods = 1.0
            pending[card] += 1
            if pending[card] == RATIOS_MAX:
                settle(card, messages, log_card_prior)
        objective -= np.log(likelihoods)
        likelihoods = 1.0
    return float(objective)


@fused
def receive(
    card: Index,
    edge: Index,
    b: Index,
    i: Index,
    card_groups: FloatArray,
    to_card: FloatArray,
    density: FloatArray,
    cavity: FloatArray,
    incoming: FloatArray,
) -> None:
    """Fill cavity[i] with the cavity distribution of the card, and incoming[i] with its message to the user."""
    total = np.float32(0.0)
    for k in range(density.shape[2]):
        cavity[i, k] = np.float32(card_groups[card, k]) / to_card[edge, k]
        total += cavity[i, k]
    for k in range(density.shape[2]):
        cavity[i, k] /= total
    for g in range(density.shape[1]):
        summed = np.float32(0.0)
        for k in range(density.shape[2]):
            summed += cavity[i, k] * density[b, g, k]
        incoming[i, g] = summed


@fused
def without_edge(groups: FloatArray, node: Index, incoming: FloatArray, i: Index, word: FloatArray) -> None:
    """Fill `word` with the user's cavity distribution without the edge."""
    total = np.float32(0.0)
    for g in range(len(word)):
        word[g] = np.float32(groups[node, g]) / incoming[i, g]
        total += word[g]
    for g in range(len(word)):
        word[g] /= total


@fused
def send(
    card: Index,
    edge: Index,
    b: Index,
    i: Index,
    word: FloatArray,
    cavity: FloatArray,
    density: FloatArray,
    to_card: FloatArray,
    ratio: FloatArray,
) -> float:
    """Update the message to the card; returns the cavity density of x."""
    likelihood = np.float32(0.0)
    for k in range(density.shape[2]):
        summed = np.float32(0.0)
        for g in range(density.shape[1]):
            summed += word[g] * density[b, g, k]
        ratio[card, k] *= summed / to_card[edge, k]
        to_card[edge, k] = summed
        likelihood += cavity[i, k] * summed
    return float(likelihood)


@fused
def count(b: Index, i: Index, word: FloatArray, cavity: FloatArray, likelihood: float, tally: FloatArray) -> None:
    """Add an edge's belief to its bin, without the density, which is the same for the whole bin."""
    for g in range(tally.shape[1]):
        share = word[g] / likelihood
        for k in range(tally.shape[2]):
            tally[b, g, k] += share * cavity[i, k]


@fused
def normalised(groups: FloatArray, node: Index) -> float:
    """Divide products by their sum; returns the logarithm of the sum."""
    total = 0.0
    for g in range(groups.shape[1]):
        total += groups[node, g]
    for g in range(groups.shape[1]):
        groups[node, g] /= total
    return float(np.log(total))
