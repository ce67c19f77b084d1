"""Waiting for a signal to stop."""

import signal
import threading


def wait_for_signal() -> None:
    """Return on SIGTERM or SIGINT."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
