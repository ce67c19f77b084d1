"""The transaction of a task that is being written while the task continues; at most one at a time."""

import asyncio
import time
from collections.abc import Coroutine
from functools import partial
from typing import Any

from streams.exactly_once.cancelling import ended
from streams.exactly_once.partitions.open_task import OpenTask
from streams.exactly_once.partitions.work import NOTHING, Work


class PendingTransaction:
    """Begins transactions, and raises when one failed. ``wake`` is set whenever one ends.

    ``took_s`` is the duration of the last one.
    """

    def __init__(self, opened: OpenTask, wake: asyncio.Event) -> None:
        self._opened = opened
        self._wake = wake
        self._writing: asyncio.Task[None] | None = None
        self.took_s = 0.0

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is in progress, or has ended without being checked."""
        return self._writing is not None

    async def begin(self, work: Work = NOTHING) -> None:
        """Do work, then begin a transaction if there is content, or settle the last one; none may be in progress.

        Raises TaskFailed if the task raises.
        """
        collected = await self._opened.collect(work)
        if collected is not None:
            self._write(self._opened.commit(*collected))
        elif self._opened.is_unsettled:
            self._write(self._opened.settle())

    def check(self) -> None:
        """Raise the exception of the last transaction, if it failed."""
        if self._writing is not None and self._writing.done():
            writing, self._writing = self._writing, None
            writing.result()

    async def finish(self) -> None:
        """Wait for the transaction in progress, then write a final one."""
        await self._settle()
        await self.begin()
        await self._settle()

    async def cancel(self) -> None:
        """Cancel a transaction in progress."""
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
