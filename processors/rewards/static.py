"""`static`: a stream of 30 seconds is a success for everybody."""

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.cocluster.block_model import BlockModel
from processors.rewards.reward import STATIC_THRESHOLD_S


class StaticReward:
    """1[t >= 30 s], the yardstick that all other rewards are compared with."""

    name = "static"

    def thresholds_s(self, blocks: BlockModel) -> FloatArray:
        """The same 30 s in every co-cluster."""
        return np.full(blocks.mean.shape, STATIC_THRESHOLD_S)

    def of(self, seconds: FloatArray, blocks: BlockModel) -> FloatArray:
        """1 where the stream lasted 30 s."""
        return (seconds[:, None, None] >= self.thresholds_s(blocks)[None]).astype(np.float64)
