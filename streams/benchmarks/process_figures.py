"""Resident memory and processor time of processes, from Linux."""

import os
from collections.abc import Iterable
from pathlib import Path


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory in MB (10**6 bytes); 0 if the process has ended.

    >>> resident_mb() > 1.0
    True
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(sum(int(line.split()[1]) for line in lines) * 1_024 / 1e6, 1)


def processor_s(pids: Iterable[int]) -> float:
    """Processor time of these processes and their threads; 0 for one that has ended.

    >>> import os
    >>> processor_s([os.getpid()]) > 0.0
    True
    """
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    user, system = stat.rpartition(")")[2].split()[11:13]  # the name before may have spaces
    return int(user) + int(system)
