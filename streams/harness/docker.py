"""A harness on the project's compose file: Apache Kafka in Docker."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import streams
from streams.harness.free_ports import free_ports
from streams.harness.health import answering_brokers
from streams.harness.interface import HarnessError, NodeStatus
from streams.harness.watchdog import Watchdog

COMPOSE_FILE = Path(streams.__file__).parent.parent / "docker" / "compose.yaml"
START_TIMEOUT_S = 180.0
_STATUS: dict[str, NodeStatus] = {"running": "running", "paused": "partitioned", "restarting": "dead", "dead": "dead"}


def compose_command() -> list[str]:
    """The compose command: docker's plugin, or the standalone program.

    Raises HarnessError if neither is installed.
    """
    if shutil.which("docker") and _run(["docker", "compose", "version"]).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise HarnessError("neither `docker compose` nor docker-compose is installed: install one, or use --backend jars")


class DockerKafka:
    """The nodes of ``docker/compose.yaml`` in a separate project, on free ports of loopback.

    ``partition`` pauses a container: its connections stay open but get no answer. If this process dies, a watchdog
    removes the project with its volumes.
    """

    def __init__(self, nodes: int = 1, *, compose_file: Path = COMPOSE_FILE) -> None:
        self._count = nodes
        self._file = compose_file
        self._project = f"shelfwise-{secrets.token_hex(4)}"
        self._ports: dict[int, int] = {}
        self._asked_to_end: set[int] = set()
        self._watchdog: Watchdog | None = None
        self._compose: list[str] = []

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers of all nodes on the host."""
        if not self._ports:
            raise HarnessError("the brokers are not running: call start() first")
        return ",".join(f"localhost:{port}" for port in self._ports.values())

    def start(self) -> Self:
        """Create the containers and wait until all brokers answer."""
        if not self._file.is_file():
            raise HarnessError(f"there is no {self._file}: the docker backend needs a checkout of the project")
        environment = ["--env-file", str(self._file.with_name("cluster.env"))] if self._count > 1 else []
        self._compose = [*compose_command(), "-f", str(self._file), "-p", self._project, *environment]
        self._watchdog = Watchdog()
        self._watchdog.watch_command([*self._compose, "down", "--volumes", "--timeout", "1"])
        self._ports = dict(enumerate(free_ports(self._count), start=1))
        try:
            self._do("up", "--detach", "--no-build", *map(_service, self._ports))
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Remove the containers and their data; a second call does nothing."""
        if self._watchdog is not None:
            self._watchdog.close()  # it runs the given command
            self._watchdog = None
        self._ports = {}

    def kill(self, node: int = 1) -> None:
        """SIGKILL."""
        self._asked_to_end.add(node)
        self._heal_if_paused(node)
        self._do("kill", self._named(node))

    def restart(self, node: int = 1) -> None:
        """Start a killed node, and wait until the whole cluster answers again."""
        self._do("start", self._named(node))
        self._asked_to_end.discard(node)
        self._wait_until_healthy()

    def partition(self, node: int = 1) -> None:
        """Pause the container."""
        self._do("pause", self._named(node))

    def heal(self, node: int = 1) -> None:
        """Resume the container."""
        self._do("unpause", self._named(node))

    def status(self) -> dict[int, NodeStatus]:
        """The state of each container; ``dead`` means that it ended by itself."""
        return {node: self._status_of(node) for node in self._ports or range(1, self._count + 1)}

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _status_of(self, node: int) -> NodeStatus:
        if not self._ports:
            return "stopped"
        container = self._do("ps", "--quiet", _service(node)).strip()
        if not container:
            return "stopped"
        state = _run(["docker", "inspect", "--format", "{{.State.Status}}", container]).stdout.strip()
        return _STATUS.get(state, "stopped" if node in self._asked_to_end else "dead")

    def _heal_if_paused(self, node: int) -> None:
        if node in self._ports and self._status_of(node) == "partitioned":
            self.heal(node)

    def _named(self, node: int) -> str:
        if node not in self._ports:
            raise HarnessError(f"there is no node {node}; there are {', '.join(map(str, self._ports)) or 'none'}")
        return _service(node)

    def _do(self, *words: str) -> str:
        ports = {f"KAFKA_PORT_{node}": str(port) for node, port in self._ports.items()}
        done = _run([*self._compose, *words], ports)
        if done.returncode != 0:
            raise HarnessError(f"compose cannot {words[0]}: {(done.stderr or done.stdout).strip()[-1_000:]}")
        return done.stdout

    def _wait_until_healthy(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        running = [node for node, status in self.status().items() if status == "running"]
        while not all(answering_brokers(self._ports[node]) >= len(running) for node in running):
            if time.monotonic() > deadline_s:
                raise HarnessError(f"no healthy cluster after {START_TIMEOUT_S:.0f} s: {self._do('logs', '--tail=20')}")
            time.sleep(0.5)


def _service(node: int) -> str:
    return f"kafka-{node}"


def _run(words: Sequence[str], environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  fixed commands
        words,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
