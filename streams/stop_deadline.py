"""Bounds the time of a worker's shutdown; uncommitted work is not lost."""

import asyncio
import os
import sys
import threading
from typing import Any

import structlog

EXIT_STATUS = 1
AWAITS_MAX = 20


def awaited(coroutine: Any) -> list[str]:
    """The chain of coroutines that a coroutine is waiting in, from the outermost to the innermost.

    >>> async def idle(): pass
    >>> waiting = idle(); len(awaited(waiting)); waiting.close()
    1
    """
    where: list[str] = []
    while coroutine is not None and len(where) < AWAITS_MAX:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            where.append(repr(coroutine)[:120])
            break
        where.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return where


class StopDeadline:
    """Once begun, exits the process after `seconds`, and logs what it was waiting for.

    An immediate exit is safe: outputs, state and offsets are in transactions, and the next owner of the tasks ends
    open ones.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer = threading.Timer(seconds, self._leave)
        self._timer.daemon = True

    def begin(self) -> None:
        """Start the clock; a second call does nothing."""
        if not self._timer.ident:
            self._timer.start()

    def _leave(self) -> None:
        log: Any = structlog.get_logger("shelfwise.worker")
        for task in asyncio.all_tasks(self._loop):
            log.error(
                "still_waiting", task=task.get_name(), cancelled=task.cancelling(), where=awaited(task.get_coro())
            )
        threads = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001  the only way to see them
            name = threads.get(ident, str(ident))
            log.error("still_running", thread=name, where=f"{frame.f_code.co_filename}:{frame.f_lineno}")
        log.error("stop_overdue", why="not stopped in time; what is not committed is left to the next owner")
        sys.stderr.flush()
        os._exit(EXIT_STATUS)
