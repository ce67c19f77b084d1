"""From how many partitions to how many: each old partition is divided, so that no partition has two predecessors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.exactly_once.records.batch_builder import plain
from streams.exactly_once.records.batch_layout import NOT_CHOSEN, choose_partitions
from streams.exactly_once.records.spans import Spans

ELSEWHERE = -1
"""The place of a key that does not belong to the partition that is divided: a remainder of an earlier growth."""


class Growth(NamedTuple):
    """The number of partitions before and after, which is a multiple of it.

    >>> Growth(4, 12).heirs(1), Growth(4, 12).places(Spans.of([b"user-1", b"user-3", None]), 0).tolist()
    ([5, 9], [8, -1, 0])
    """

    before: int
    after: int

    def heirs(self, partition: int) -> list[int]:
        """The new partitions that take over keys of an old one."""
        return list(range(partition + self.before, self.after, self.before))

    def places(self, keys: Spans, partition: int) -> NDArray[np.int32]:
        """The partition where each key of an old partition belongs afterwards, or ELSEWHERE; without a key it stays."""
        unknown = np.full(keys.size, NOT_CHOSEN, np.int32)
        unknown.flags.writeable = False
        chosen: NDArray[np.int32] = choose_partitions(plain(keys), unknown, self.after, partition)
        return np.where(chosen % self.before == partition, chosen, np.int32(ELSEWHERE)).astype(np.int32)
