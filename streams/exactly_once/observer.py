"""Whoever wants to know what the driver does; metrics and logs hang here."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray


class Observer:
    """Told of everything, does nothing: override what you care for.

    Every method is called on the driver's event loop and must return at once. ``task`` is a spec's name.
    """

    def joined(self, partitions: Collection[tuple[str, int]]) -> None:
        """Take note that the group has let this worker in, with these partitions by task: there may be none."""

    def assigned(self, task: str, partition: int) -> None:
        """Take note that this worker owns a partition from now on."""

    def revoked(self, task: str, partition: int) -> None:
        """Take note that it no longer does."""

    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        """Follow a restore while it lasts; the counts are those so far."""

    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        """Follow a task while it takes up what was read; the event loop stands still meanwhile."""

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        """Take note of a finished restore: rows alive, bytes read."""

    def processed(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        """Count a batch and the time that the task took for it."""

    def lagging(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        """Follow how much of an input is there to read, and how old that may be; told about once a second.

        The markers of transactions count as records until the topic is read to its end.
        """

    def caught_up(self, task: str, partition: int) -> None:
        """Take note that all inputs were read to their ends, or nearly, for the first time since it was opened."""

    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        """Count a committed transaction: inputs covered, outputs and state rows written."""

    def delivered(self, task: str, partition: int, *, ages_ms: NDArray[np.int64]) -> None:
        """Take note of how old inputs were, by their time stamps, when what follows from them was committed.

        For a task with an output that somebody ``awaits`` each is told when the first such output after it is there.
        """

    def measured(self, task: str, partition: int, *, counts: Mapping[str, int], gauges: Mapping[str, float]) -> None:
        """Take note of what a task measures, after a commit: what came to its counts, and where its gauges stand.

        What a restored task has counted before is not told again.
        """

    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        """Count a transaction that did not commit; its task opens anew from its log."""

    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        """Take note that a task could not be opened; it is tried again soon."""

    def fenced(self, task: str, partition: int) -> None:
        """Count a transaction refused because another worker has opened the task."""

    def broadcast_read(self, topic: str, partition: int, *, position: int, records: int) -> None:
        """Follow the reader of broadcast topics; position is the next offset."""

    def broadcast_caught_up(self, *, records: int, seconds: float) -> None:
        """Take note that all broadcast topics have been read to their ends."""

    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        """Raise the alarm: the broker deleted input that was never processed (retention too short)."""

    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        """Take note that the group's committed offset is not where the state is; the state's position counts.

        Somebody has reset the group's offsets, or their marker is late; None where there is no offset.
        """
