"""Runs a harness in its own process, to be shared by shells and programs.

It listens on a Unix socket in its state folder, which only its owner can open. Each connection carries one request
and one response, both a line of JSON: ``{"do": "kill", "node": 2}`` gets ``{"bootstrap": ..., "status": ...}``.
"""

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from streams.harness.backends import new_harness
from streams.harness.interface import Backend, HarnessError, KafkaHarness, NodeStatus

SOCKET_NAME = "harness.sock"
REQUEST_BYTES_MAX = 4_096
Deed = Literal["status", "kill", "restart", "partition", "heal", "stop"]


class HarnessRequest(Struct, frozen=True, kw_only=True):
    """A request of a client."""

    do: Deed
    node: int = 1


class HarnessAnswer(Struct, frozen=True, kw_only=True):
    """The state of the harness; `error` says why the request failed."""

    bootstrap: str = ""
    backend: str = ""
    status: dict[int, NodeStatus] = {}
    process_id: int = 0
    error: str | None = None


def fulfil(harness: KafkaHarness, backend: Backend, request: HarnessRequest) -> HarnessAnswer:
    """Carry out a request, and return the state of the harness afterwards."""
    try:
        if request.do == "stop":
            harness.stop()
            return HarnessAnswer(backend=backend.value)
        if request.do != "status":
            getattr(harness, request.do)(request.node)
        return HarnessAnswer(
            bootstrap=harness.bootstrap, backend=backend.value, status=harness.status(), process_id=os.getpid()
        )
    except HarnessError as error:
        return HarnessAnswer(backend=backend.value, error=str(error))


def supervise(folder: Path, backend: Backend, nodes: int) -> None:
    """Start a harness and serve requests until a stop request or a signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    path = folder / SOCKET_NAME
    with new_harness(backend, nodes) as harness, socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen()
        try:
            while _serve_one(listener, harness, backend):
                pass
        finally:
            path.unlink(missing_ok=True)


def _serve_one(listener: socket.socket, harness: KafkaHarness, backend: Backend) -> bool:
    """Answer one connection; False if it was a stop request."""
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ConnectionError):
        request = msgspec.json.decode(connection.recv(REQUEST_BYTES_MAX), type=HarnessRequest)
        answer = fulfil(harness, backend, request)
        connection.sendall(msgspec.json.encode(answer) + b"\n")
        return request.do != "stop"
    return True


def _end(*_: Any) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    try:
        supervise(Path(sys.argv[1]), Backend(sys.argv[2]), int(sys.argv[3]))
    except HarnessError as failure:
        sys.exit(str(failure))
