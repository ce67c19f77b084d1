"""Runs a console in its own process, beside a pipeline that it must not slow down."""

import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

STOP_S = 5.0


class ConsoleProcess:
    """Starts `shelfwise console` on a free port, and tells its address when it serves; stops it with SIGTERM.

    `options` are those of the command.
    """

    def __init__(self, bootstrap: str, told: Callable[[str], None], *options: str) -> None:
        self._options = options
        self._bootstrap = bootstrap
        self._told = told
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Of the process, once it is started."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "streams.cli.main", "console", "--broker", self._bootstrap, "--port", "0"]
        self._process = subprocess.Popen(  # noqa: S603  our own command
            [*command, *self._options, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._listen, name="console-address", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        """Wait for the one object that it prints; a console that cannot start says why on standard error."""
        assert self._process is not None
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if line.startswith("}"):
                self._told(msgspec.json.decode(said)["address"])
                return
