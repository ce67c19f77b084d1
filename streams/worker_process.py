"""Runs a worker in its own process."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_S = 20.0


class WorkerEndedError(RuntimeError):
    """The worker has ended by itself; the message says how."""


class WorkerProcess:
    """Starts `shelfwise worker` and stops it with SIGTERM; its log goes to a file.

    `arguments` are additional ones of the command.
    """

    def __init__(
        self, bootstrap: str, environment: Mapping[str, str], log: Path, arguments: Sequence[str] = ()
    ) -> None:
        self.arguments = tuple(arguments)
        self.bootstrap = bootstrap
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "streams.cli.main", "worker", "--broker", self.bootstrap, *self.arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command
                command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_line(self) -> str:
        """The worker's last log message, without time and fields."""
        lines = self.log.read_text(errors="replace").splitlines() or [""]
        return " ".join(lines[-1].split())

    def refuse_if_dead(self) -> None:
        """Raise `WorkerEndedError` with the end of the log if the worker has ended by itself."""
        assert self.process is not None
        if self.process.poll() is not None:
            tail = " | ".join(self.log.read_text(errors="replace").splitlines()[-3:])
            raise WorkerEndedError(f"the worker ended with status {self.process.returncode}: {tail}")
