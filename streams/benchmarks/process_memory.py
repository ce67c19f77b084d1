"""Resident memory of a process, from Linux."""

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
