"""Finds free ports of loopback."""

import socket


def free_ports(count: int) -> list[int]:
    """Distinct ports that are free at the moment.

    >>> len(set(free_ports(3)))
    3
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()
