"""The learner's state apart from its memory of users and cards: counters, blocks, priors, the last overlap."""

from dataclasses import dataclass, fields

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_model import BlockModel
from processors.cocluster.model.block_statistics import block_parameters
from processors.cocluster.model.time_bins import STATISTICS
from processors.cocluster.online.state_rows import Structure

_LATER = ("drift_ms", "withdrawn_count")
"""Counters that earlier versions did not store, the newest first."""


@dataclass(slots=True, kw_only=True, eq=False)
class LearnerState:
    """Counters first, then arrays, in the order in which they are stored.

    >>> state = LearnerState.blank(2, 3)
    >>> state.events_count = 7
    >>> LearnerState.from_structure(state.structure(np.zeros((3, 2, 3))))[0].events_count
    7
    """

    events_count: int = 0
    now_ms: int = 0
    rethought_count: int = 0
    swapped_count: int = 0
    stuck_count: int = 0
    stuck_test_after: int = 0
    fruitless_count: int = 0  # consecutive rethinks without a better structure
    generation: int = 0
    version: int = 0
    swept_at: int = 0
    swept_ms: int = 0
    rethought_at: int = 0
    unplaced_count: int = 0  # interactions evicted from their rings before the first fit: not in any block
    ready: bool = False
    withdrawn_count: int = 0  # interactions taken out of the blocks because their user was erased
    drift_ms: int = 0  # when the newest severe incident of drift was opened that led to rethinking
    statistics: FloatArray  # [STATISTICS, G, K], rows of `time_bins`
    user_prior: FloatArray  # [G]
    card_prior: FloatArray  # [K]
    user_overlap: FloatArray  # [G, G], rows P(new group | old group) of the last change of generation
    card_overlap: FloatArray  # [K, K]

    @classmethod
    def blank(cls, user_groups: int, card_groups: int) -> "LearnerState":
        """The state before any interaction."""
        return cls(
            statistics=np.zeros((STATISTICS, user_groups, card_groups)),
            user_prior=np.full(user_groups, 1.0 / user_groups),
            card_prior=np.full(card_groups, 1.0 / card_groups),
            user_overlap=np.eye(user_groups),
            card_overlap=np.eye(card_groups),
        )

    def model(self) -> BlockModel:
        """The blocks as a snapshot."""
        blocks = block_parameters(self.statistics)
        return BlockModel(
            generation=self.generation,
            version=self.version,
            user_prior=self.user_prior,
            card_prior=self.card_prior,
            mean=blocks.mean,
            variance=blocks.variance,
            count=blocks.count.copy(),
            global_mean=blocks.global_mean,
            global_variance=blocks.global_variance,
        )

    def structure(self, frozen: FloatArray) -> Structure:
        """The row's content, with the statistics of evicted edges."""
        values = [getattr(self, field.name) for field in fields(self)]
        counters = np.array([int(value) for value in values if isinstance(value, int)], np.int64)
        arrays = (*(value for value in values if isinstance(value, np.ndarray)), frozen)
        return Structure(counters=counters, arrays=arrays)

    @classmethod
    def from_structure(cls, structure: Structure) -> tuple["LearnerState", FloatArray]:
        """Inverse of `structure`: the state, and the statistics of evicted edges."""
        names = [field.name for field in fields(cls)]
        counters, arrays = structure.counters.tolist(), structure.arrays
        for name in _LATER[: len(names) + 1 - len(counters) - len(arrays)]:  # a row from before they were counted
            names.remove(name)
        state = cls(**dict(zip(names, (*counters, *arrays[:-1]), strict=True)))
        state.ready = bool(state.ready)
        return state, arrays[-1]
