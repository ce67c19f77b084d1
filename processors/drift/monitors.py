"""The monitors of all co-clusters of one generation."""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from processors.arrays import FloatArray
from processors.drift.block_monitor import BlockMonitor, Change, MonitorState
from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket

Block = tuple[int, int]


class Monitors:
    """One monitor for each block that has been heard of; a row of state for each.

    >>> monitors = Monitors(DriftSettings(reference_buckets=2))
    >>> block = np.ones((1, 1))
    >>> def sums(mean):
    ...     return np.stack([20.0 * block, 20.0 * block, 100.0 * block, 20.0 * mean * block, 20.0 * block])
    >>> means = [0.0, 0.1, 0.0, -0.1, 0.0, -1.0, -1.0, -1.0]
    >>> [(block, change.bucket_ms) for at, mean in enumerate(means) for block, change in monitors.read(at, sums(mean))]
    [((0, 0), 7)]
    """

    def __init__(self, settings: DriftSettings) -> None:
        self.settings = settings
        self._monitors: dict[Block, BlockMonitor] = {}
        self._changed: set[Block] = set()

    def read(self, bucket_ms: int, sums: FloatArray) -> Iterator[tuple[Block, Change]]:
        """Take in the evidence [5, G, K] of a bucket; gives the blocks that it shows to have changed."""
        for user_group, card_group in np.argwhere(sums[0] > 0.0).tolist():
            block = user_group, card_group
            monitor = self._monitors.get(block)
            if monitor is None:
                monitor = self._monitors[block] = BlockMonitor(self.settings)
            self._changed.add(block)
            change = monitor.read(BlockBucket(bucket_ms, *sums[:, user_group, card_group].tolist()))
            if change is not None:
                yield block, change

    def clear(self) -> None:
        """Forget all of them."""
        self._changed.update(self._monitors)
        self._monitors = {}

    def changed_rows(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Rows of the monitors that have changed since the last call, None where one was forgotten."""
        for block in sorted(self._changed):
            monitor = self._monitors.get(block)
            key = f"{block[0]}.{block[1]}".encode()
            yield key, None if monitor is None else msgspec.msgpack.encode(monitor.state)
        self._changed.clear()

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up the monitor that wrote this row."""
        user_group, card_group = map(int, key.split(b"."))
        state = msgspec.msgpack.decode(value, type=MonitorState)
        self._monitors[user_group, card_group] = BlockMonitor(self.settings, state)
