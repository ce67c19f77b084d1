"""`mean`: a stream is a success where it lasts as long as is usual in its co-cluster."""

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.block_model import BlockModel


class MeanReward:
    """1[t >= exp(mean of log t)] in each co-cluster (Dragone, Mehrotra, Lalmas, WWW 2019, section 4).

    The geometric mean is the default: streaming times are heavy tailed, and in the arithmetic mean a few nights of
    sleep sounds would set the bar for everybody. Block means arrive shrunk to their margins, so small blocks behave.

    >>> from processors.rewards.reward import unknown_blocks
    >>> MeanReward().thresholds_s(unknown_blocks()).round(6)
    array([[30.]])
    """

    name = "mean"

    def thresholds_s(self, blocks: BlockModel) -> FloatArray:
        """Geometric mean of the streaming time of each block, in seconds."""
        return np.asarray(np.expm1(blocks.mean), dtype=np.float64)

    def of(self, seconds: FloatArray, blocks: BlockModel) -> FloatArray:
        """1 where the stream lasted as long as the block's mean; a stream of no time never does."""
        reached = np.log1p(seconds)[:, None, None] >= blocks.mean[None]
        return (reached & (seconds > 0.0)[:, None, None]).astype(np.float64)
