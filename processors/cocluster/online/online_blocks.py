"""The online learner as a clusterer: it reads the table once, row by row, as a stream."""

from dataclasses import dataclass, replace

import numpy as np

from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineBlocks:
    """One pass; the bounds in the settings are raised to the size of the table."""

    settings: LearnerSettings
    seed: int = 0

    def groups(self, data: Interactions) -> SoftGroups:
        """Learn the table in order."""
        settings = replace(
            self.settings,
            warmup_events=min(self.settings.warmup_events, max(len(data), 1)),
            max_users=max(self.settings.max_users, data.users),
            max_cards=max(self.settings.max_cards, data.cards),
            max_edges=max(self.settings.max_edges, len(data)),
        )
        learner = CoClusterLearner(settings, self.seed)
        learner.learn(data.user, data.card, np.expm1(data.x), np.arange(len(data)))
        card = np.exp(learner.card_logits(np.arange(data.cards)))
        return soft_groups(data, learner.user_groups(np.arange(data.users)), card)
