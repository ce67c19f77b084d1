"""Readiness of a worker, from events of the driver."""

from collections.abc import Collection

from typing_extensions import override

from streams.exactly_once.observer import Observer
from streams.readiness import Readiness

GROUP, STATE, INPUT = "group", "state", "input"
"""Stages: joined the group; state of each partition restored; inputs of each partition read to their ends once."""


class GettingReady(Observer):
    """Updates the driver's stages. A worker without partitions is ready: it is a standby.

    A reopened partition is not ready until it has caught up again.

    >>> readiness = Readiness(GROUP, STATE, INPUT)
    >>> observer = GettingReady(readiness)
    >>> [str(stage) for stage in readiness.missing]
    ['group: not joined yet', 'state: waits for the group', 'input: waits for the group']
    >>> observer.joined({("cards", 0)}); observer.assigned("cards", 0)
    >>> observer.restoring("cards", 0, rows=1_000, bytes_read=9_000)
    >>> [str(stage) for stage in readiness.missing]
    ['state: 0 of 1, 1,000 rows read', 'input: 0 of 1']
    >>> observer.restored("cards", 0, rows=1_200, bytes_read=9_900, seconds=0.1)
    >>> observer.lagging("cards", 0, "outcomes", records=70, seconds=5.0)
    >>> [str(stage) for stage in readiness.missing]
    ['input: 0 of 1, 70 records to read']
    >>> observer.caught_up("cards", 0); readiness.is_ready
    True
    """

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness
        self._is_member = False
        self._owned: set[tuple[str, int]] = set()
        self._restored: set[tuple[str, int]] = set()
        self._caught_up: set[tuple[str, int]] = set()
        self._rows: dict[tuple[str, int], int] = {}
        self._lag: dict[tuple[str, int, str], int] = {}
        self._note()

    @override
    def joined(self, partitions: Collection[tuple[str, int]]) -> None:
        """Mark the worker as a member; a rebalance does not change that."""
        self._is_member = True
        self._note()

    @override
    def assigned(self, task: str, partition: int) -> None:
        """Add a partition to wait for."""
        self._owned.add((task, partition))
        self._note()

    @override
    def revoked(self, task: str, partition: int) -> None:
        """Remove a partition."""
        self._owned.discard((task, partition))
        self._reopens(task, partition)

    @override
    def restoring(self, task: str, partition: int, *, rows: int, bytes_read: int) -> None:
        """Update the number of restored rows."""
        self._rows[task, partition] = rows
        self._note()

    @override
    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        """Mark a partition as restored."""
        self._rows.pop((task, partition), None)
        self._restored.add((task, partition))
        self._note()

    @override
    def lagging(self, task: str, partition: int, topic: str, *, records: int, seconds: float) -> None:
        """Update the number of unread records until the partition has caught up."""
        if (task, partition) not in self._caught_up:
            self._lag[task, partition, topic] = records
            self._note()

    @override
    def caught_up(self, task: str, partition: int) -> None:
        """Mark a partition as ready."""
        self._caught_up.add((task, partition))
        self._forget_lag(task, partition)
        self._note()

    @override
    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        """Wait for a partition again: it is reopened."""
        self._reopens(task, partition)

    def _reopens(self, task: str, partition: int) -> None:
        self._restored.discard((task, partition))
        self._caught_up.discard((task, partition))
        self._rows.pop((task, partition), None)
        self._forget_lag(task, partition)
        self._note()

    def _forget_lag(self, task: str, partition: int) -> None:
        self._lag = {place: count for place, count in self._lag.items() if place[:2] != (task, partition)}

    def _note(self) -> None:
        if not self._is_member:
            self._readiness.note(GROUP, detail="not joined yet")
            for name in (STATE, INPUT):
                self._readiness.note(name, detail="waits for the group")
            return
        self._readiness.finish(GROUP)
        rows, records = sum(self._rows.values()), sum(self._lag.values())
        self._stage(STATE, self._restored, f"{rows:,} rows read" if rows else "")
        self._stage(INPUT, self._caught_up, f"{records:,} records to read" if records else "")

    def _stage(self, name: str, done: set[tuple[str, int]], detail: str) -> None:
        count = len(done & self._owned)
        self._readiness.note(name, done=count, total=len(self._owned), detail=detail)
        if count == len(self._owned):
            self._readiness.finish(name)
