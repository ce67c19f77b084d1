"""At most one transaction of a task is being written at a time, while the task goes on."""

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from streams.exactly_once.cancelling import ended
from streams.exactly_once.partitions.open_task import OpenTask


class PendingTransaction:
    """Begins transactions, and tells when one failed. ``wake`` is set whenever one has ended.

    ``took_s`` is how long the last one took.
    """

    def __init__(self, opened: OpenTask, wake: asyncio.Event) -> None:
        self._opened = opened
        self._wake = wake
        self._writing: asyncio.Task[None] | None = None
        self.took_s = 0.0

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is under way, or has ended unseen."""
        return self._writing is not None

    async def begin(self) -> None:
        """Begin a transaction with what there is, or settle the last one if need be; none may be under way.

        Raises TaskFailed when the task fails to say what changed.
        """
        collected = await self._opened.collect()
        if collected is not None:
            self._write(self._opened.commit(*collected))
        elif self._opened.is_unsettled:
            self._write(self._opened.settle())

    def check(self) -> None:
        """Raise what the last transaction raised, if it has ended that way."""
        if self._writing is not None and self._writing.done():
            writing, self._writing = self._writing, None
            writing.result()

    async def finish(self) -> None:
        """Wait for the transaction under way, and write the last one."""
        await self._settle()
        await self.begin()
        await self._settle()

    async def cancel(self) -> None:
        """Give up a transaction that is still under way."""
        if self._writing is not None:
            await ended(self._writing)

    async def _settle(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self.check()

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        self._writing = asyncio.get_running_loop().create_task(work)
        self._writing.add_done_callback(partial(self._note_end, time.monotonic()))

    def _note_end(self, began_s: float, _: "asyncio.Task[None]") -> None:
        self.took_s = time.monotonic() - began_s
        self._wake.set()
