"""Belief propagation on a batch: starts from any soft groups, passes messages, returns the groups."""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.fitting.belief_propagation import Beliefs
from processors.cocluster.fitting.passes import Messages, densities, make_passes, start
from processors.cocluster.model.block_statistics import block_parameters
from processors.cocluster.model.density_table import density_table
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, group_prior


def beliefs_of(
    statistics: FloatArray,
    user_prior: FloatArray,
    card_prior: FloatArray,
    *,
    decay_per_ms: float = 0.0,
    now_ms: int = 0,
) -> Beliefs:
    """Tabulate the parameters of messages."""
    blocks = block_parameters(statistics)
    table = density_table(blocks.mean, blocks.variance)
    return Beliefs(np.log(user_prior), np.log(card_prior), *table, decay_per_ms, now_ms)


class MessagePassing:
    """Belief propagation on a fixed set of interactions."""

    def __init__(self, data: Interactions, groups: SoftGroups) -> None:
        card_groups = groups.card.shape[1]
        self.data = data
        self.statistics: FloatArray = np.ascontiguousarray(groups.statistics, dtype=np.float64)
        self.user_prior, self.card_prior = group_prior(groups.user), group_prior(groups.card)
        self.objective = -np.inf
        self.messages = Messages(
            to_card=np.empty((len(data), card_groups), np.float32),
            evidence=np.zeros((data.cards, card_groups)),
            ratio=np.ones((data.cards, card_groups)),
            pending=np.zeros(data.cards, np.int64),
            card=np.empty((data.cards, card_groups)),
            user=np.array(groups.user, dtype=np.float64),
        )
        start(data.table, self.messages, densities(data.table, self.statistics), np.log(self.card_prior))

    def run(self, passes: int) -> None:
        """Visit all users `passes` times, updating blocks and priors after each pass."""
        self.statistics, self.user_prior, self.card_prior, objective = make_passes(
            self.data.table, self.messages, self.statistics, self.user_prior, self.card_prior, passes
        )
        self.objective = objective / max(len(self.data), 1)

    def groups(self) -> SoftGroups:
        """The current soft groups."""
        return SoftGroups(self.messages.user, self.messages.card, self.statistics, self.objective)
