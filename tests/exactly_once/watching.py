"""An observer that remembers, so that a test can wait for what it is about."""

import asyncio
from collections.abc import Callable

from streams.exactly_once.observer import Observer
from tests.exactly_once.brokers import DEADLINE_S


class Watching(Observer):
    """Keeps the events of one worker; ``until`` waits for a condition on them."""

    def __init__(self) -> None:
        self.owned: set[int] = set()
        self.open: set[int] = set()
        self.restores: list[tuple[int, int]] = []
        self.aborts: list[str] = []
        self.refusals: list[str] = []
        self.differences: set[tuple[int, str]] = set()
        self.fencings = self.commits = self.broadcasts_read = self.lost = 0
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[["Watching"], bool], *, deadline_s: float = DEADLINE_S) -> None:
        async with asyncio.timeout(deadline_s):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    def assigned(self, task: str, partition: int) -> None:
        self.owned.add(partition)
        self._changed.set()

    def revoked(self, task: str, partition: int) -> None:
        self.owned.discard(partition)
        self.open.discard(partition)
        self._changed.set()

    def restored(self, task: str, partition: int, *, rows: int, bytes_read: int, seconds: float) -> None:
        self.open.add(partition)
        self.restores.append((partition, rows))
        self._changed.set()

    def committed(self, task: str, partition: int, *, seconds: float, records: int, outputs: int, rows: int) -> None:
        self.commits += 1
        self._changed.set()

    def aborted(self, task: str, partition: int, *, reason: str) -> None:
        self.aborts.append(reason)
        self._changed.set()

    def not_opened(self, task: str, partition: int, *, reason: str) -> None:
        self.refusals.append(reason)
        self._changed.set()

    def fenced(self, task: str, partition: int) -> None:
        self.fencings += 1
        self._changed.set()

    def broadcast_caught_up(self, *, records: int, seconds: float) -> None:
        self.broadcasts_read += 1
        self._changed.set()

    def input_lost(self, task: str, partition: int, topic: str, *, records: int) -> None:
        self.lost += records
        self._changed.set()

    def positions_differ(self, task: str, partition: int, topic: str, *, position: int, committed: int | None) -> None:
        self.differences.add((partition, topic))
        self._changed.set()
