"""A harness in another process: the same interface, shared by any number of programs."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from streams.harness.interface import Backend, HarnessError, NodeStatus
from streams.harness.supervisor import SOCKET_NAME, Deed, HarnessAnswer, HarnessRequest

UP_TIMEOUT_S = 180.0
LOG_NAME = "harness.log"
LOG_TAIL_BYTES = 1_500


def default_folder() -> Path:
    """Default folder for the state of this user's harness."""
    return Path(tempfile.gettempdir()) / f"shelfwise-harness-{os.getuid()}"


class RemoteHarness:
    """The harness whose supervisor listens in a folder.

    ``start`` starts a supervisor that outlives this process, ``stop`` ends it with its brokers; in between, any number
    of programs may use it. Each method raises HarnessError if the harness is not up.
    """

    def __init__(self, folder: Path | None = None, *, backend: Backend = Backend.EMBEDDED, nodes: int = 1) -> None:
        self.folder = default_folder() if folder is None else folder
        self._backend = backend
        self._nodes = nodes

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers."""
        return self.ask("status").bootstrap

    def is_up(self) -> bool:
        """Whether a supervisor answers."""
        try:
            self.ask("status")
        except HarnessError:
            return False
        return True

    def start(self, tell: Callable[[str, float, float], None] = lambda _what, _done, _total: None) -> Self:
        """Start the supervisor and wait until its brokers are healthy; `tell` is called with the time so far."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.is_up():
            raise HarnessError(f"a harness is up in {self.folder}: take it down first, or use another folder")
        log = self.folder / LOG_NAME
        with log.open("wb") as output:
            words = [str(self.folder), self._backend.value, str(self._nodes)]
            supervisor = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "streams.harness.supervisor", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # it outlives the starting shell
            )
        started_s = time.monotonic()
        deadline_s = started_s + UP_TIMEOUT_S
        while not self.is_up():
            tell(f"seconds waited for {self._backend.value}", int(time.monotonic() - started_s), int(UP_TIMEOUT_S))
            if supervisor.poll() is not None:
                raise HarnessError(log.read_text(errors="replace")[-LOG_TAIL_BYTES:].strip() or "the harness ended")
            if time.monotonic() > deadline_s:
                supervisor.terminate()
                raise HarnessError(f"the harness is not up after {UP_TIMEOUT_S:.0f} s: see {log}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End the supervisor and its brokers, and wait until they have ended; a second call does nothing."""
        if self.is_up():
            self.ask("stop")
            deadline_s = time.monotonic() + UP_TIMEOUT_S
            while self._socket().exists() and time.monotonic() < deadline_s:
                time.sleep(0.02)

    def kill(self, node: int = 1) -> None:
        """Kill a node."""
        self.ask("kill", node)

    def restart(self, node: int = 1) -> None:
        """Restart a killed node."""
        self.ask("restart", node)

    def partition(self, node: int = 1) -> None:
        """Isolate a node."""
        self.ask("partition", node)

    def heal(self, node: int = 1) -> None:
        """Reconnect a node."""
        self.ask("heal", node)

    def status(self) -> dict[int, NodeStatus]:
        """The state of each node."""
        return self.ask("status").status

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def ask(self, deed: Deed, node: int = 1) -> HarnessAnswer:
        """Send one request and return the response.

        Raises HarnessError with the supervisor's message, or if there is none.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._socket()))
                connection.sendall(msgspec.json.encode(HarnessRequest(do=deed, node=node)))
                with connection.makefile("rb") as lines:
                    answer = msgspec.json.decode(lines.readline(), type=HarnessAnswer)
            except (OSError, msgspec.DecodeError) as error:
                raise HarnessError(
                    f"no harness is up in {self.folder}: start one with `shelfwise harness up`"
                ) from error
        if answer.error is not None:
            raise HarnessError(answer.error)
        return answer

    def _socket(self) -> Path:
        return self.folder / SOCKET_NAME
