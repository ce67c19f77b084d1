"""Checks that a broker accepts connections before clients are created, because these retry silently."""

from contextlib import suppress
from socket import create_connection

from streams.configuration_error import ConfigurationError

FIND_BROKER_S = 5.0
PORT_MAX = 65_535


class NoBrokerError(ConfigurationError):
    """No broker accepts connections at the address."""


def refuse_unless_reachable(bootstrap: str) -> tuple[str, int]:
    """The first of these servers that accepts a connection; raises `ConfigurationError` if none does in five seconds.

    >>> refuse_unless_reachable("127.0.0.1:1")
    Traceback (most recent call last):
    streams.reachable.NoBrokerError: no broker answers at 127.0.0.1:1; start it, or correct --broker
    """
    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or " " in host or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= PORT_MAX):
            raise ConfigurationError(f"--broker is {bootstrap!r}; give host:port, several by comma")
        with suppress(OSError, UnicodeError), create_connection((host.strip("[]"), int(port)), timeout=FIND_BROKER_S):
            return host.strip("[]"), int(port)
    raise NoBrokerError(f"no broker answers at {bootstrap}; start it, or correct --broker")
