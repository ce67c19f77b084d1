"""Belief propagation on a batch: start from any soft groups, pass messages, read the groups."""

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.cocluster.belief_propagation import Beliefs, scratch
from processors.cocluster.block_statistics import block_parameters
from processors.cocluster.density_table import density_table
from processors.cocluster.edge_store import EdgePool, Graph, Nodes, edge_pool, link_rings, nodes
from processors.cocluster.evidence import softmax
from processors.cocluster.passes import make_passes
from processors.cocluster.soft_groups import Interactions, SoftGroups, group_prior


def beliefs_of(
    statistics: FloatArray,
    user_prior: FloatArray,
    card_prior: FloatArray,
    *,
    decay_per_ms: float = 0.0,
    now_ms: int = 0,
) -> Beliefs:
    """Tabulate what messages are computed with."""
    blocks = block_parameters(statistics)
    table = density_table(blocks.mean, blocks.variance)
    return Beliefs(np.log(user_prior), np.log(card_prior), *table, decay_per_ms, now_ms)


def start_messages(user: FloatArray, edge_user: IntArray, pool: EdgePool, into: Nodes, beliefs: Beliefs) -> None:
    """Let every user tell its cards what its soft group [users, G] implies; cards sum what they hear."""
    edges = len(edge_user)
    bins = ((pool.x[:edges] - beliefs.low) * beliefs.bins_per_unit).astype(np.int64)
    bins = bins.clip(0, len(beliefs.density) - 1)
    for start in range(0, edges, 65_536):
        part = slice(start, min(start + 65_536, edges))
        ahead = np.einsum("eg,egk->ek", user[edge_user[part]], beliefs.density[bins[part]])
        pool.to_card[part] = np.log(ahead)
    for k in range(into.card_evidence.shape[1]):
        evidence = np.bincount(pool.card[:edges], pool.to_card[:edges, k], minlength=len(into.card_evidence))
        into.card_evidence[:, k] = into.card_frozen[:, k] + evidence


class MessagePassing:
    """Belief propagation on a fixed set of interactions."""

    def __init__(self, data: Interactions, groups: SoftGroups) -> None:
        user_groups, card_groups = groups.user.shape[1], groups.card.shape[1]
        self.data, self.statistics = data, groups.statistics
        self.pool = edge_pool(len(data), user_groups, card_groups)
        self.pool.card[:] = data.card
        self.pool.x[:] = data.x
        self.nodes = nodes(data.users, data.cards, user_groups, card_groups)
        link_rings(data.user, self.pool, self.nodes)
        self.user_prior, self.card_prior = group_prior(groups.user), group_prior(groups.card)
        self.room = scratch(int(self.nodes.degree.max(initial=1)), user_groups, card_groups)
        self.objective = -np.inf
        start_messages(groups.user, data.user, self.pool, self.nodes, self._beliefs())

    def _beliefs(self) -> Beliefs:
        return beliefs_of(self.statistics, self.user_prior, self.card_prior)

    def run(self, passes: int) -> None:
        """Sweep over all users `passes` times, renewing blocks and priors after each."""
        self.statistics, self.user_prior, self.card_prior, objective = make_passes(
            Graph(self.pool, self.nodes, self.nodes),
            self.room,
            np.ascontiguousarray(self.statistics, dtype=np.float64),
            self.user_prior,
            self.card_prior,
            passes,
        )
        self.objective = objective / max(len(self.data), 1)

    def groups(self) -> SoftGroups:
        """Read the soft groups; nodes without edges have the prior."""
        user = softmax(self.nodes.user_evidence + np.log(self.user_prior))
        card = softmax(self.nodes.card_evidence + np.log(self.card_prior))
        return SoftGroups(user, card, self.statistics, self.objective)
