"""Belief propagation told plainly, as logarithms in double precision: what compiled passes must agree with."""

import numpy as np

from processors.cocluster.fitting.passes import RATIOS_MAX
from processors.cocluster.model.block_statistics import block_parameters
from processors.cocluster.model.density_table import DENSITY_FLOOR
from processors.cocluster.model.evidence import softmax
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, group_prior


def log_sum(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    top = logits.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(logits - top).sum(axis=axis))


class ToldPasses:
    """Passes over a batch: users in order, and a card is heard anew after every `RATIOS_MAX` words and after a pass."""

    def __init__(self, data: Interactions, groups: SoftGroups) -> None:
        self.data, self.table, self.statistics = data, data.table, groups.statistics
        self.user, self.user_prior, self.card_prior = groups.user, group_prior(groups.user), group_prior(groups.card)
        log_density = self._log_density()
        self.told = np.zeros((len(data), groups.card.shape[1]))  # of each edge, by user
        self.heard = np.zeros((data.cards, groups.card.shape[1]))  # evidence of a card as it is heard
        self.objective = 0.0
        for user in range(data.users):
            for edge in self._edges(user):
                with np.errstate(divide="ignore"):
                    self.told[edge] = log_sum(np.log(self.user[user])[:, None] + log_density[edge], axis=0)
                self.heard[self.table.card[edge]] += self.told[edge]

    def _edges(self, user: int) -> range:
        return range(self.table.offsets[user], self.table.offsets[user + 1])

    def _log_density(self) -> np.ndarray:
        """Of each edge [E, G, K]."""
        blocks = block_parameters(self.statistics)
        x = self.table.bin_x[self.table.bin][:, None, None]
        density = np.exp(-0.5 * (x - blocks.mean) ** 2 / blocks.variance) / np.sqrt(2.0 * np.pi * blocks.variance)
        return np.log(np.maximum(density, DENSITY_FLOOR))

    def run(self, passes: int) -> None:
        for _ in range(passes):
            self._pass()

    def _pass(self) -> None:
        log_density, log_user, log_card = self._log_density(), np.log(self.user_prior), np.log(self.card_prior)
        counted = np.zeros(self.statistics.shape)
        evidence, pending = self.heard.copy(), np.zeros(self.data.cards, np.int64)
        logits, self.objective = np.zeros((self.data.users, len(log_user))), 0.0
        for user in range(self.data.users):
            cards = {
                edge: self._without(log_card + self.heard[self.table.card[edge]] - self.told[edge])
                for edge in self._edges(user)
            }
            words = {edge: log_sum(cards[edge] + log_density[edge]) for edge in cards}
            logits[user] = log_user + sum(words.values())
            self.objective += float(log_sum(logits[user]))
            for edge, word in words.items():
                card, b = self.table.card[edge], self.table.bin[edge]
                belief = self._without(logits[user] - word)[:, None] + log_density[edge]
                message = log_sum(belief, axis=0)
                belief = belief + cards[edge]
                likelihood = log_sum(belief.ravel())
                self.objective -= float(likelihood)
                powers = np.array([1.0, self.table.bin_x[b], self.table.bin_square[b]])
                counted += powers[:, None, None] * np.exp(belief - likelihood)
                evidence[card] += message - self.told[edge]
                self.told[edge] = message
                pending[card] += 1
                if pending[card] == RATIOS_MAX:
                    self.heard[card], pending[card] = evidence[card], 0
        self.heard = evidence
        self.objective += float(log_sum(log_card + evidence).sum())
        self.user, self.statistics = softmax(logits), counted
        self.user_prior, self.card_prior = group_prior(self.user), group_prior(softmax(log_card + evidence))
        self.card = softmax(np.log(self.card_prior) + evidence)

    @staticmethod
    def _without(logits: np.ndarray) -> np.ndarray:
        return logits - log_sum(logits)
