"""A command in a process of its own, which may be killed, with the time and memory that it took."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended, what it said, and what it took."""

    status: int
    said: bytes
    seconds: float
    cpu_s: float
    memory_mb: float  # at most, resident

    @property
    def was_killed(self) -> bool:
        """Whether it was cut, rather than ended by itself."""
        return self.status == -signal.SIGKILL


def run_measured(
    command: Sequence[str], environment: Mapping[str, str], kill_when: Callable[[], None] | None = None
) -> Ended:
    r"""Run it to its end, or until `kill_when` returns.

    >>> import sys
    >>> run_measured([sys.executable, "-c", "print(1)"], {}).said
    b'1\n'
    >>> run_measured([sys.executable, "-c", "input()"], {}, lambda: None).was_killed
    True
    """
    started_s = time.monotonic()
    with subprocess.Popen(  # noqa: S603  our own command
        command, env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        if kill_when is not None:
            kill_when()
            process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)  # wait() would not tell what this process alone has used
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(
        status=process.returncode,
        said=said,
        seconds=round(time.monotonic() - started_s, 1),
        cpu_s=round(used.ru_utime + used.ru_stime, 1),
        memory_mb=round(used.ru_maxrss / 1_024, 1),
    )
