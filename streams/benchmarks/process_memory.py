"""How much memory a process holds at the moment, as Linux tells."""

from pathlib import Path


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory in MB (10**6 bytes); 0 where the process is gone.

    >>> resident_mb() > 1.0
    True
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(sum(int(line.split()[1]) for line in lines) * 1_024 / 1e6, 1)
