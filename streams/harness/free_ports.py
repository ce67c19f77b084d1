"""Finds free ports of loopback."""

import secrets
import socket
from contextlib import ExitStack

LOWEST, HIGHEST = 15_000, 32_000
"""Below the ports that Linux gives to outgoing connections: a broker that was killed finds its own free again."""


def free_ports(count: int) -> list[int]:
    """Distinct ports that are free, and that the system gives to nobody who does not ask for one by number.

    >>> len(set(free_ports(3)))
    3
    """
    with ExitStack() as held:
        return [_held_port(held) for _ in range(count)]


def _held_port(held: ExitStack) -> int:
    """A port that stays bound until the stack closes."""
    while True:
        taken = held.enter_context(socket.socket())
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        try:
            taken.bind(("127.0.0.1", port))
        except OSError:  # somebody has it
            continue
        return port
