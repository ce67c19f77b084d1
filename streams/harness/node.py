"""One node of a cluster: a Java process in a process group of its own."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from streams.harness.interface import HarnessError, NodeStatus
from streams.harness.watchdog import Watchdog

LOG_TAIL_BYTES = 3000


class Node:
    """Starts, signals and ends one broker process.

    ``java`` is the command up to the class path; the node's settings and data are in ``home``.
    """

    def __init__(self, *, home: Path, port: int, java: Sequence[str], watchdog: Watchdog) -> None:
        self.port = port
        self._home = home
        self._java = tuple(java)
        self._watchdog = watchdog
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_to_end = True
        self._partitioned = False

    def format(self, cluster_id: str) -> None:
        """Prepare the data folder.

        Raises HarnessError with Kafka's output if it refuses.
        """
        settings = str(self._home / "server.properties")
        run = subprocess.run(  # noqa: S603  a fixed command
            [*self._java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", settings],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise HarnessError(f"Kafka could not prepare {self._home}:\n{run.stdout[-LOG_TAIL_BYTES:]}")

    def start(self) -> None:
        """Start the process unless it is running."""
        if self._process is not None and self._process.poll() is None:
            return
        with self._log().open("ab") as log:
            self._process = self._spawn(log)
        self._watchdog.watch(self._process.pid)
        self._asked_to_end = self._partitioned = False

    def kill(self) -> None:
        """SIGKILL, and wait until it has ended."""
        process, self._process = self._process, None
        self._asked_to_end, self._partitioned = True, False
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._watchdog.forget(process.pid)

    def send_signal(self, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT to the running process."""
        if self.status() in {"stopped", "dead"} or self._process is None:
            raise HarnessError("the node is not running")
        os.killpg(self._process.pid, number)
        self._partitioned = number == signal.SIGSTOP

    def status(self) -> NodeStatus:
        """The state of the process."""
        if self._process is None or self._process.poll() is not None:
            return "stopped" if self._asked_to_end else "dead"
        return "partitioned" if self._partitioned else "running"

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return None if self._process is None else self._process.pid

    def log_tail(self) -> str:
        """The end of the node's output."""
        path = self._log()
        return path.read_text(errors="replace")[-LOG_TAIL_BYTES:] if path.exists() else ""

    def _log(self) -> Path:
        return self._home / "kafka.log"

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  a fixed command
            [*self._java, "kafka.Kafka", str(self._home / "server.properties")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._home,
            start_new_session=True,
        )
