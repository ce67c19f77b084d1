"""The interface for metrics and logs of the driver."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray


class Observer:
    """Receives all events of the driver and ignores them; override the methods that you need.

    Every method is called on the driver's event loop and must return at once. ``task`` is the name of a spec.
    """

    def joined(self, partitions: Collection[tuple[str, int]]) -> None:
        """This worker joined the group and got these partitions by task, possibly none."""

    def assigned(self, task: str, partition: int) -> None:
        """A partition was assigned to this worker."""

    def revoked(self, task: str, partition: int) -> None:
        """A partition was revoked."""

    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        """Progress of reading the state; counts so far."""

    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        """Progress of a task restoring its rows; the event loop is blocked meanwhile."""

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        """A restore has finished: live rows, bytes read."""

    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        """A batch was processed; ``seconds`` is the task's time."""

    def lagging(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        """Lag of an input in records, and an upper bound of its age; about once a second.

        Transaction markers count as records until the topic has been read to its end.
        """

    def caught_up(self, task: str, partition: int) -> None:
        """All inputs were read to their ends, or nearly, for the first time since the task was opened."""

    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        """A transaction was committed: number of inputs, outputs and state rows."""

    def delivered(self, task: str, partition: int, *, ages_ms: NDArray[np.int64]) -> None:
        """Ages of inputs, by their timestamps, when the output that follows from them was committed.

        For a task that ``awaits`` an output topic, an input is reported with the first such output after it.
        """

    def measured(self, task: str, partition: int, *, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        """Metrics of a task after a commit: increments of its counts, and values of its gauges.

        Restored counts are not reported again.
        """

    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        """A transaction did not commit; its task is reopened from its log."""

    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        """A task could not be opened; it will be retried."""

    def fenced(self, task: str, partition: int) -> None:
        """A transaction was refused because another worker has opened the task."""

    def broadcast_read(self, topic: str, partition: int, *, position: int, records: int) -> None:
        """Records of a broadcast topic were read; ``position`` is the next offset."""

    def broadcast_caught_up(self, *, records: int, seconds: float) -> None:
        """All broadcast topics have been read to their ends."""

    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        """Unprocessed input was deleted by the broker (retention too short)."""

    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        """The group's committed offset differs from the position in the state, which is used.

        The group's offsets were reset, or their marker is late; None if there is no offset.
        """
