"""A sampling profiler: counts the stages of all threads' call stacks many times per second."""

import sys
import threading
from collections import Counter

from streams.benchmarks.profile_stages import IDLE, stage_of

EVERY_S = 0.02


class Sampler:
    """Counts stages from `start` to `stop`. Costs less than one per cent; sees Python threads only.

    >>> sampler = Sampler(); sampler.start(); sampler.stop(); sampler.shares()
    {}
    """

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stopped.set()
        self._thread.join()

    def shares(self) -> dict[str, float]:
        """Share of each stage in the samples that were not idle, largest first; they sum to one."""
        busy = {stage: count for stage, count in self._counted.most_common() if stage != IDLE}
        total = sum(busy.values())
        return {stage: count / total for stage, count in busy.items()}

    def _run(self) -> None:
        own = threading.get_ident()
        while not self._stopped.wait(EVERY_S):
            for thread, frame in sys._current_frames().items():  # noqa: SLF001  the only way to see them
                if thread != own:
                    self._counted[stage_of(frame)] += 1
