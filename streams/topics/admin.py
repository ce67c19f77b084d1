"""Reads and changes the cluster's topics through kafka-python's admin client."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from schemas.topics import TOPICS
from streams.connections import kafka_python_options
from streams.settings import ConfigurationError, Settings
from streams.topics.plan import FoundTopic, Step, plan

WAIT_FOR_EVER_MS = 10**9


class TopicsError(Exception):
    """The cluster's topics are not, and cannot simply be made, what the table asks for."""


@contextmanager
def admin_client(settings: Settings, bootstrap: str) -> Iterator[Any]:
    """An admin client; raises `ConfigurationError` where no broker answers."""
    try:
        patience_ms = WAIT_FOR_EVER_MS if settings.start_deadline_ms is None else settings.start_deadline_ms
        client = KafkaAdminClient(**kafka_python_options(settings, bootstrap), bootstrap_timeout_ms=patience_ms)
    except (KafkaError, OSError) as error:
        raise ConfigurationError(f"no broker answers at {bootstrap}; start it, or correct --broker") from error
    try:
        yield client
    finally:
        client.close()


def found_topics(client: Any, names: Iterable[str]) -> dict[str, FoundTopic]:
    """The topics of these names that exist."""
    existing = {
        topic["name"]: len(topic["partitions"])
        for topic in client.describe_topics(list(names))
        if topic["error_code"] == 0
    }
    if not existing:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in existing]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: FoundTopic(partitions=partitions, config={key: data["value"] for key, data in described[name].items()})
        for name, partitions in existing.items()
    }


def planned(settings: Settings, client: Any) -> list[Step]:
    """Steps that the cluster needs."""
    return plan(TOPICS.values(), found_topics(client, TOPICS), settings.page_partitions)


def apply(settings: Settings, client: Any, steps: Sequence[Step]) -> list[Step]:
    """Take all steps that need no decision; gives the conflicts that are left."""
    create = {
        step.topic: {
            "num_partitions": step.partitions,
            "replication_factor": settings.replication_factor,
            "configs": {**step.config, **_durability(settings)},
        }
        for step in steps
        if step.action == "create"
    }
    if create:
        client.create_topics(create, wait_for_metadata=True)
    more = {step.topic: step.partitions for step in steps if step.action == "add_partitions"}
    if more:
        client.create_partitions(more)
    for step in steps:
        if step.action == "set_config":
            client.alter_configs([ConfigResource("TOPIC", step.topic, dict(step.config))])
    return [step for step in steps if step.action == "conflict"]


def _durability(settings: Settings) -> dict[str, str]:
    """Writes survive the loss of one broker, where there are enough of them."""
    return {"min.insync.replicas": str(max(1, settings.replication_factor - 1))}


def ensure(settings: Settings, bootstrap: str) -> None:
    """Make the topics what the table asks for; raises `TopicsError` where a person has to decide."""
    with admin_client(settings, bootstrap) as client:
        conflicts = apply(settings, client, planned(settings, client))
    if conflicts:
        raise TopicsError("; ".join(f"{step.topic}: {step.detail}" for step in conflicts))


def refuse_unless_ready(settings: Settings, bootstrap: str) -> None:
    """Raise `TopicsError` where the topics are not what the table asks for: a worker creates nothing on a cluster."""
    with admin_client(settings, bootstrap) as client:
        needed = [step for step in planned(settings, client) if step.action != "set_config"]
    if needed:
        first = needed[0]
        raise TopicsError(
            f"the topics are not ready ({first.action} {first.topic}: {first.detail}); "
            f"run `shelfwise topics apply --broker {bootstrap}`"
        )


def is_group_stable(settings: Settings, bootstrap: str) -> bool:
    """Whether workers of the group have shared out the partitions."""
    with admin_client(settings, bootstrap) as client:
        return bool(client.describe_groups([settings.group])[settings.group]["group_state"] == "Stable")
