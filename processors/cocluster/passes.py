"""Several sweeps over a batch with all that is renewed between them, compiled as one: a fit makes hundreds.

In Python the renewal cost a third of a sweep, and each sweep that ended had to wait for the interpreter's lock.
"""

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.belief_propagation import Beliefs, Scratch, Work, sweep
from processors.cocluster.block_statistics import shrunk_blocks
from processors.cocluster.density_table import tabulated
from processors.cocluster.edge_store import Graph
from processors.cocluster.soft_groups import PRIOR_PSEUDO_COUNT
from processors.compiled import compiled


@compiled
def make_passes(
    graph: Graph, room: Scratch, statistics: FloatArray, user_prior: FloatArray, card_prior: FloatArray, passes: int
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Sweep over all users `passes` times, renewing blocks [3, G, K] and priors [G], [K] after each.

    Gives them as they are afterwards, and the Bethe log-likelihood of the last pass.
    """
    objective = 0.0
    for _ in range(passes):
        mean, variance, _, _ = shrunk_blocks(statistics)
        low, bins_per_unit, density = tabulated(mean, variance)
        log_user_prior, log_card_prior = np.log(user_prior), np.log(card_prior)
        beliefs = Beliefs(log_user_prior, log_card_prior, low, bins_per_unit, density, 0.0, 0)
        counted = np.zeros(statistics.shape)
        objective = sweep(graph, Work(beliefs, room, counted, counted, True))
        user_prior, _ = renewed_prior(graph.heard.user_evidence, log_user_prior)
        card_prior, cards_part = renewed_prior(graph.heard.card_evidence, log_card_prior)
        objective += cards_part
        statistics = counted
    return statistics, user_prior, card_prior, objective


@compiled
def renewed_prior(evidence: FloatArray, log_prior: FloatArray) -> tuple[FloatArray, float]:
    """Shares of the groups [G] among nodes with this evidence [n, G], shrunk as by `group_prior`.

    And the sum over the nodes of log(sum_g prior(g) exp evidence(g)).

    >>> share, total = renewed_prior(np.log(np.array([[3.0, 1.0]])), np.log(np.array([0.5, 0.5])))
    >>> share.tolist(), round(float(np.exp(total)), 6)
    ([0.5833333333333334, 0.4166666666666667], 2.0)
    """
    groups = evidence.shape[1]
    share = np.full(groups, PRIOR_PSEUDO_COUNT)
    likelihood = np.empty(groups)
    total = 0.0
    for node in range(len(evidence)):
        top = -np.inf
        for group in range(groups):
            likelihood[group] = evidence[node, group] + log_prior[group]
            top = max(top, likelihood[group])
        summed = 0.0
        for group in range(groups):
            likelihood[group] = np.exp(likelihood[group] - top)
            summed += likelihood[group]
        for group in range(groups):
            share[group] += likelihood[group] / summed
        total += top + np.log(summed)
    return share / share.sum(), total
