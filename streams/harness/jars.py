"""A harness on Apache Kafka from Maven artifacts: one or three nodes on loopback, without Docker or root."""

import base64
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from streams.harness.artifacts import kafka_jars, needed_program
from streams.harness.free_ports import free_ports
from streams.harness.health import answering_brokers
from streams.harness.interface import HarnessError, NodeStatus
from streams.harness.node import Node
from streams.harness.secured_listener import SecuredListener
from streams.harness.server_properties import NodePorts, server_properties
from streams.harness.watchdog import Watchdog

START_ATTEMPTS = 3  # a port can be taken between choosing and binding it
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""JVM options of a short-lived broker that shares the machine: the C2 compiler takes a tenth of two cores for the
length of a benchmark, and does not pay off in that time."""


def random_cluster_id() -> str:
    """Create an id in Kafka's notation: 22 characters of base64.

    >>> len(random_cluster_id())
    22
    """
    # no leading dash, because it is a command-line argument
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


class JarsKafka:
    """A real cluster that a test owns: KRaft with combined roles, on free ports of loopback, in its own folder.

    ``partition`` stops a node's process (SIGSTOP): its connections stay open and unanswered, as behind a
    firewall that drops packets; but the node does not notice time passing and does not start elections.
    If this process dies, a watchdog kills the nodes and removes the folder. ``properties`` override the harness's
    settings of Kafka. A secured listener has the address ``secured_bootstrap`` and the authority ``ca_file``.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        heap_mb: int = 512,
        start_timeout_s: float = 60.0,
        properties: Mapping[str, str] = MappingProxyType({}),
        secured: SecuredListener | None = None,
    ) -> None:
        if nodes not in {1, 3}:
            raise ValueError(f"a cluster has 1 or 3 nodes, not {nodes}")
        self._count = nodes
        self._heap_mb = heap_mb
        self._start_timeout_s = start_timeout_s
        self._properties = dict(properties)
        self._secured = secured
        self._secured_ports: dict[int, int] = {}
        self.ca_file: Path | None = None
        self._nodes: dict[int, Node] = {}
        self._folder: Path | None = None
        self._kept: Path | None = None
        self._watchdog: Watchdog | None = None

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers of all nodes."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self._nodes.values())

    @property
    def secured_bootstrap(self) -> str:
        """The bootstrap servers of the listener with TLS and SASL."""
        return ",".join(f"127.0.0.1:{port}" for port in self._secured_ports.values())

    @property
    def pids(self) -> list[int]:
        """The ids of the running processes."""
        return [node.pid for node in self._nodes.values() if node.pid is not None]

    def start(self) -> Self:
        """Start the cluster; retry with other ports if one was taken meanwhile."""
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start_once()
            except HarnessError as error:
                self.stop()
                if attempt == START_ATTEMPTS or "Address already in use" not in str(error):
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return self
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """Kill the nodes, and remove the folder unless it should be kept."""
        for node in self._nodes.values():
            node.kill()
        if self._folder is not None and self._kept is not None:
            shutil.move(self._folder, self._kept)  # before the watchdog ends, because it removes the folder
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def keep(self, folder: Path) -> None:
        """Keep the nodes' data and logs in this folder, which must not exist, when the cluster stops."""
        self._kept = folder

    def kill(self, node: int = 1) -> None:
        """SIGKILL."""
        self._node(node).kill()

    def restart(self, node: int = 1) -> None:
        """Restart a killed node, and wait until the whole cluster answers."""
        self._node(node).start()
        self._wait_until_healthy()

    def partition(self, node: int = 1) -> None:
        """Pause the node's process."""
        self._node(node).send_signal(signal.SIGSTOP)

    def heal(self, node: int = 1) -> None:
        """Resume the node's process."""
        self._node(node).send_signal(signal.SIGCONT)

    def status(self) -> dict[int, NodeStatus]:
        """The state of each node; ``dead`` means that it ended by itself."""
        return {number: node.status() for number, node in self._nodes.items()}

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _node(self, number: int) -> Node:
        if number not in self._nodes:
            raise HarnessError(f"there is no node {number}; there are {', '.join(map(str, self._nodes)) or 'none'}")
        return self._nodes[number]

    def _start_once(self) -> None:
        jars = kafka_jars()
        java = needed_program("java")
        watchdog = self._watchdog = Watchdog()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="shelfwise-kafka-"))
        watchdog.watch_folder(str(folder))
        nodes = range(1, self._count + 1)
        numbers = iter(free_ports(3 * self._count))
        ports = {number: NodePorts(clients=next(numbers), controllers=next(numbers)) for number in nodes}
        changes = dict.fromkeys(nodes, self._properties)
        if self._secured is not None:
            self._secured_ports = {number: next(numbers) for number in nodes}
            changes = {number: {**self._properties, **self._security(folder, number, ports)} for number in nodes}
        options = (f"-Xmx{self._heap_mb}m", *SHORT_LIVED, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        command = (java, *options, "-cp", f"{jars}/*")
        self._nodes = {}
        for number, own in ports.items():
            home = folder / f"node-{number}"
            home.mkdir()
            (home / "server.properties").write_text(server_properties(number, ports, home / "data", changes[number]))
            self._nodes[number] = Node(home=home, port=own.clients, java=command, watchdog=watchdog)
        cluster_id = random_cluster_id()
        with ThreadPoolExecutor(self._count) as pool:
            list(pool.map(lambda node: node.format(cluster_id), self._nodes.values()))
        for node in self._nodes.values():
            node.start()
        self._wait_until_healthy()
        if self._secured is not None:
            self._secured.enrol(self.bootstrap)

    def _security(self, folder: Path, number: int, ports: Mapping[int, NodePorts]) -> dict[str, str]:
        assert self._secured is not None
        certificates = folder / "certificates"
        if not certificates.exists():
            self.ca_file = self._secured.make_certificates(certificates)
        plain = {"PLAINTEXT": ports[number].clients, "CONTROLLER": ports[number].controllers}
        return self._secured.properties(certificates, self._secured_ports[number], plain)

    def _wait_until_healthy(self) -> None:
        deadline_s = time.monotonic() + self._start_timeout_s
        expected = sum(node.status() == "running" for node in self._nodes.values())
        while True:
            for number, node in self._nodes.items():
                if node.status() == "dead":
                    raise HarnessError(f"node {number} ended while it started:\n{node.log_tail()}")
            if all(
                answering_brokers(node.port) >= expected for node in self._nodes.values() if node.status() == "running"
            ):
                return
            if time.monotonic() > deadline_s:
                logs = "\n".join(node.log_tail() for node in self._nodes.values())
                raise HarnessError(f"no healthy cluster after {self._start_timeout_s:.0f} s:\n{logs}")
            time.sleep(0.1)
