"""The default clusterer: groups by streaming time (Normal latent blocks of log seconds)."""

from dataclasses import dataclass

import numpy as np

from processors.cocluster.fitting.global_moves import fitted
from processors.cocluster.model.soft_groups import Interactions, SoftGroups

SPAWN_KEY = 0x6E6F726D  # "norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalBlocks:
    """Batch fit from scratch; one-sided shapes and 1 x 1 are not special cases."""

    user_groups: int
    card_groups: int
    seed: int = 0

    def groups(self, data: Interactions) -> SoftGroups:
        """Fit the table by belief propagation with split and merge."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(SPAWN_KEY,)))
        return fitted(data, self.user_groups, self.card_groups, rng)
