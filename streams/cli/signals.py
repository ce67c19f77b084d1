"""Waiting to be told to stop."""

import signal
import threading


def wait_for_signal() -> None:
    """Return when SIGTERM or SIGINT comes."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
