"""A node's ``server.properties``: KRaft with both roles, on loopback, tuned for tests instead of load."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class NodePorts(NamedTuple):
    """Addresses of one node."""

    clients: int
    controllers: int


def server_properties(
    number: int, ports: Mapping[int, NodePorts], data: Path, changes: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The settings of one node of a cluster.

    Groups form without delay, sessions may be short, and timed-out transactions are aborted every second instead of
    every ten, because tests wait for all of these. ``changes`` override.

    >>> text = server_properties(1, {1: NodePorts(9092, 9093)}, Path("/data"))
    >>> "offsets.topic.replication.factor=1" in text
    True
    """
    replicas = len(ports)
    voters = ",".join(f"{node}@127.0.0.1:{port.controllers}" for node, port in ports.items())
    clients = f"127.0.0.1:{ports[number].clients}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{clients},CONTROLLER://127.0.0.1:{ports[number].controllers}",
        "advertised.listeners": f"PLAINTEXT://{clients}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": 1 if replicas == 1 else 2,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": 1 if replicas == 1 else 2,
        "transaction.state.log.num.partitions": 8,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "log.cleaner.dedupe.buffer.size": 16_000_000,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in {**settings, **changes}.items())
