"""The published co-clusters: everything that a worker needs to place a listener or a card in its groups."""

from dataclasses import dataclass, field

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.density_table import DensityTable, density_table, transposed
from processors.cocluster.model.evidence import fold_in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockModel:
    """Blocks of x = log1p(seconds): an immutable snapshot, broadcast to all workers.

    `generation` counts changes of the groups in kind (statistics per group must be carried over with the overlap);
    `version` counts snapshots. Fold-in of a listener is local: it needs only the recent streams, the logits of their
    cards, and this table.

    >>> import numpy as np
    >>> model = BlockModel(generation=1, version=1, user_prior=np.array([0.5, 0.5]), card_prior=np.ones(1),
    ...     mean=np.array([[4.0], [7.0]]), variance=np.ones((2, 1)), count=np.ones((2, 1)),
    ...     global_mean=5.5, global_variance=2.0)
    >>> newcomer_and_long_streamer = np.array([0, 0, 2])
    >>> model.fold_in_users(newcomer_and_long_streamer, np.ones((2, 1)), np.array([7.0, 7.1])).round(2)
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    generation: int
    version: int
    user_prior: FloatArray  # [G]
    card_prior: FloatArray  # [K]
    mean: FloatArray  # [G, K]
    variance: FloatArray  # [G, K]
    count: FloatArray  # [G, K], soft counts of interactions
    global_mean: float
    global_variance: float
    _table: DensityTable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Tabulate the densities once."""
        object.__setattr__(self, "_table", density_table(self.mean, self.variance))

    def fold_in_users(self, offsets: IntArray, card_weights: FloatArray, x: FloatArray) -> FloatArray:
        """Soft user groups [n, G]: user i streamed edges offsets[i]..offsets[i + 1] of x = log1p(seconds).

        `card_weights` [edges, K] are the soft groups of the cards; rows of the result sum to one; a user without edges
        gets the prior.
        """
        return fold_in(offsets, card_weights, x, self.user_prior, self._table)

    def fold_in_cards(self, offsets: IntArray, user_weights: FloatArray, x: FloatArray) -> FloatArray:
        """Soft card groups [n, K] from the soft groups [edges, G] of the users who streamed each card."""
        return fold_in(offsets, user_weights, x, self.card_prior, transposed(self._table))
