"""Whether the worker's main loop turns."""

import asyncio
import time
from collections.abc import Callable

from typing_extensions import override

from streams.exactly_once.observer import Observer

BEAT_S = 0.5
LIVE_WITHIN_S = 30.0
"""A main loop that has not turned for so long does not turn any more."""


class Pulse(Observer):
    """Beats as the main loop turns, and while a task takes up its state: the loop stands still meanwhile.

    It may be asked on another thread.

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
        """Take note that the main loop lives."""
        self._beat_s = self._clock_s()

    @property
    def silent_s(self) -> float:
        """Since the last beat."""
        return self._clock_s() - self._beat_s

    @property
    def is_alive(self) -> bool:
        """Whether the last beat was not long ago."""
        return self.silent_s <= LIVE_WITHIN_S

    async def run(self) -> None:
        """Beat on this loop until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_S)

    @override
    def taking_up(self, task: str, partition: int, *, rows: int, rows_all: int) -> None:
        """Beat: it gets on."""
        self.beat()
