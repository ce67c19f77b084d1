"""The monitors of all co-clusters of one generation."""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from processors.arrays import FloatArray
from processors.drift.block_monitor import BlockMonitor, Change, MonitorState
from processors.drift.incidents import Block, are_neighbours
from processors.drift.settings import DriftSettings
from processors.drift.usual import BlockBucket

LEAD_ERRORS = 0.5
"""Standard errors by which a neighbour must have departed further to be reported before a block that fired."""


class Monitors:
    """One monitor for each block with evidence, and a state row for each.

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
        """Read the evidence [5, G, K] of a bucket; yields the blocks that have changed.

        The block that departed furthest comes first. A block that has not fired is reported before a neighbour that
        has, if it explains more: streams are shared, and the detector of a block with few listeners may fire later.
        """
        fired: dict[Block, Change] = {}
        for user_group, card_group in np.argwhere(sums[0] > 0.0).tolist():
            block = user_group, card_group
            monitor = self._monitors.get(block)
            if monitor is None:
                monitor = self._monitors[block] = BlockMonitor(self.settings)
            self._changed.add(block)
            change = monitor.read(BlockBucket(bucket_ms, *sums[:, user_group, card_group].tolist()))
            if change is not None:
                fired[block] = change
        for block in sorted(fired, key=lambda block: (-abs(fired[block].size.departure), block)):
            lead = self._lead(block, fired)
            if lead is not None:
                self._monitors[lead[0]].conclude()
                yield lead
            yield block, fired[block]

    def _lead(self, block: Block, fired: dict[Block, Change]) -> tuple[Block, Change] | None:
        """The neighbour that explains more of a change than this block and all that have fired, if any."""
        own = fired[block].size
        known = [
            abs(change.size.departure)
            for other, change in fired.items()
            if are_neighbours(block, other) and change.size.size * own.size > 0.0
        ]
        best: tuple[Block, Change] | None = None
        least = max(known) + LEAD_ERRORS
        for other in sorted(self._monitors):
            change = None if other in fired or not are_neighbours(block, other) else self._monitors[other].change()
            if change is None or change.bucket_ms != fired[block].bucket_ms or change.size.size * own.size <= 0.0:
                continue
            if abs(change.size.departure) > least:
                best, least = (other, change), abs(change.size.departure)
        return best

    def clear(self) -> None:
        """Remove all monitors."""
        self._changed.update(self._monitors)
        self._monitors = {}

    def changed_rows(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Rows of the monitors that have changed since the last call; None for one that was removed."""
        for block in sorted(self._changed):
            monitor = self._monitors.get(block)
            key = f"{block[0]}.{block[1]}".encode()
            yield key, None if monitor is None else msgspec.msgpack.encode(monitor.state)
        self._changed.clear()

    def restore(self, key: bytes, value: bytes) -> None:
        """Restore the monitor that wrote this row."""
        user_group, card_group = map(int, key.split(b"."))
        state = msgspec.msgpack.decode(value, type=MonitorState)
        self._monitors[user_group, card_group] = BlockMonitor(self.settings, state)
