"""Liveness of the worker's main loop."""

import asyncio
import time
from collections.abc import Callable

from typing_extensions import override

from streams.exactly_once.observer import Observer

BEAT_S = 0.5
LIVE_WITHIN_S = 30.0
"""A main loop that has not turned for this long is stuck."""


class Pulse(Observer):
    """Beats with each turn of the main loop, and while a task restores its state, which blocks the loop.

    May be queried from other threads.

    >>> now_s = [100.0]
    >>> pulse = Pulse(lambda: now_s[0])
    >>> now_s[0] = 131.0; pulse.silent_s, pulse.is_alive
    (31.0, False)
    >>> pulse.taking_up("listeners", 0, rows=10, rows_all=20); pulse.is_alive
    True
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._beat_s = clock_s()

    def beat(self) -> None:
        """Record a beat."""
        self._beat_s = self._clock_s()

    @property
    def silent_s(self) -> float:
        """Seconds since the last beat."""
        return self._clock_s() - self._beat_s

    @property
    def is_alive(self) -> bool:
        """Whether the last beat is recent."""
        return self.silent_s <= LIVE_WITHIN_S

    async def run(self) -> None:
        """Beat on this loop until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_S)

    @override
    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        """Beat: the restore makes progress."""
        self.beat()
