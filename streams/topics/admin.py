"""Reads and changes the cluster's topics through kafka-python's admin client."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import InvalidConfigurationError, KafkaError
from msgspec import structs

from schemas.topics import STAMP_AHEAD_MAX, TOPICS, Topic
from streams.connections import kafka_python_options, topic_names
from streams.mapping.own_topics import own_topics, sources
from streams.settings import ConfigurationError, Settings
from streams.topics.acls import grants, topics_of_tasks
from streams.topics.plan import FoundTopic, Step, Wanted, plan
from streams.topics.programs import Program

WAIT_FOR_EVER_MS = 10**9
SETTLE_S = 10.0
_NOT_ALLOWED = 29  # TOPIC_AUTHORIZATION_FAILED


class TopicsError(Exception):
    """The cluster's topics differ from the table and cannot be adjusted automatically."""


@contextmanager
def admin_client(settings: Settings, bootstrap: str) -> Iterator[Any]:
    """An admin client; raises `ConfigurationError` if no broker answers."""
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
    """The existing topics of these names; raises `TopicsError` if this user may not describe them."""
    described_topics = client.describe_topics(list(names))
    _refuse_hidden([topic["name"] for topic in described_topics if topic["error_code"] == _NOT_ALLOWED], "Describe")
    existing = {
        topic["name"]: topic["partitions"]
        for topic in described_topics
        if topic["error_code"] == 0 and topic["partitions"]
    }
    if not existing:
        return {}
    resources = [ConfigResource("TOPIC", name) for name in existing]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    _refuse_hidden([name for name in existing if not described.get(name)], "DescribeConfigs")
    return {
        name: FoundTopic(
            partitions=len(partitions),
            replicas=min(len(partition["replica_nodes"]) for partition in partitions),
            config={key: data["value"] for key, data in described[name].items()},
        )
        for name, partitions in existing.items()
    }


def _refuse_hidden(names: Sequence[str], right: str) -> None:
    if names:
        raise TopicsError(
            f"this user lacks the right {right} on {names[0]} ({len(names)} topics in all): "
            "grant what `shelfwise topics acls` lists"
        )


def planned(settings: Settings, client: Any, topics: Mapping[str, Topic] | None = None) -> list[Step]:
    """Steps from the cluster's topics to these, by default to all of the table and of the mappings."""
    if topics is None:
        topics = {**TOPICS, **mapping_topics(settings, client)}
    names = topic_names(settings)
    topics = {there: structs.replace(it, name=there) for it in topics.values() if (there := names.at_broker(it.name))}
    wanted = Wanted(page_partitions=settings.page_partitions, replication_factor=settings.replication_factor)
    return plan(topics.values(), found_topics(client, topics), wanted)


def mapping_topics(settings: Settings, client: Any) -> dict[str, Topic]:
    """Topics of the mappings; raises `TopicsError` if a topic that is to be mapped does not exist."""
    names = sorted(sources(settings.input).values())
    if not names:
        return {}
    described = {topic["name"]: topic for topic in client.describe_topics(names)}
    _refuse_hidden([name for name in names if described[name]["error_code"] == _NOT_ALLOWED], "Describe")
    missing = [name for name in names if described[name]["error_code"] != 0]
    if missing:
        raise TopicsError(f"there is no topic {missing[0]} to map: correct [input] topic, or create it")
    return own_topics(settings.input, {name: len(described[name]["partitions"]) for name in names})


def apply(settings: Settings, client: Any, steps: Sequence[Step]) -> list[Step]:
    """Take these steps; returns those that are still open afterwards.

    If one step is a conflict, none is taken, because the remedy may be another setting. Raises `TopicsError` if the
    cluster refuses a step.
    """
    if not steps or any(step.action == "conflict" for step in steps):
        return list(steps)
    create = {
        step.topic: {
            "num_partitions": step.partitions,
            "replication_factor": settings.replication_factor,
            "configs": dict(step.config),
        }
        for step in steps
        if step.action == "create"
    }
    more = {step.topic: step.partitions for step in steps if step.action == "add_partitions"}
    try:
        if create:
            _create(client, create)
        if more:
            client.create_partitions(more)
        for step in steps:
            if step.action == "set_config":
                client.alter_configs([ConfigResource("TOPIC", step.topic, dict(step.config))])
    except KafkaError as error:
        raise TopicsError(f"the cluster refuses: {reason_of(error)}") from error
    return _still_open(settings, client)


def _create(client: Any, topics: dict[str, dict[str, Any]]) -> None:
    """Create topics; if a broker before 3.6 refuses the one setting that it does not know, without it."""
    try:
        client.create_topics(topics, wait_for_metadata=True)
    except InvalidConfigurationError as error:
        if STAMP_AHEAD_MAX not in str(error):
            raise
        for name in topics.keys() - _existing(client, topics):
            known = {key: value for key, value in topics[name]["configs"].items() if key != STAMP_AHEAD_MAX}
            client.create_topics({name: {**topics[name], "configs": known}}, wait_for_metadata=True)


def _existing(client: Any, names: Iterable[str]) -> set[str]:
    """Those of these topics that were created although others were refused."""
    return {topic["name"] for topic in client.describe_topics(list(names)) if topic["error_code"] == 0}


def reason_of(error: KafkaError) -> str:
    """The broker's error, without the request and response that kafka-python adds.

    >>> reason_of(KafkaError("Request 'R' failed with response 'T(code=38, error_message='too few brokers', c=1)'."))
    'too few brokers (KafkaError)'
    """
    said = re.search(r"error_message=(['\"])(.+?)\1", str(error))
    return f"{said[2] if said else error} ({type(error).__name__})"


def _still_open(settings: Settings, client: Any) -> list[Step]:
    """Open steps; checked several times, because brokers learn of changes one after the other."""
    deadline_s = time.monotonic() + SETTLE_S
    while True:
        left = planned(settings, client)
        if not left or time.monotonic() > deadline_s:
            return left
        time.sleep(0.1)


def ensure(settings: Settings, bootstrap: str) -> None:
    """Adjust the topics to the table; raises `TopicsError` on a conflict."""
    with admin_client(settings, bootstrap) as client:
        left = apply(settings, client, planned(settings, client))
    if left:
        raise TopicsError("; ".join(f"{step.topic}: {step.detail}" for step in left))


def refuse_unless_ready(settings: Settings, bootstrap: str) -> None:
    """Raise `TopicsError` if the topics of the tasks do not match: a worker creates nothing on a cluster."""
    with admin_client(settings, bootstrap) as client:
        mapped = mapping_topics(settings, client) if "mapping" in settings.tasks else {}
        steps = planned(settings, client, {**topics_of_tasks(settings.tasks), **mapped})
        needed = [step for step in steps if step.action != "set_config"]
    if needed:
        first = next((step for step in needed if step.action == "conflict"), needed[0])
        if first.action == "conflict":
            raise TopicsError(
                f"the topics conflict with the settings, decide which to change: {first.topic} {first.detail}"
            )
        raise TopicsError(
            f"the topics are not ready ({first.action} {first.topic}: {first.detail}); "
            f"run `shelfwise topics apply --broker {bootstrap}`"
        )


def refuse_unless_there(settings: Settings, bootstrap: str) -> None:
    """Raise `TopicsError` if an input topic is missing."""
    with admin_client(settings, bootstrap) as client:
        described = client.describe_topics([grant.name for grant in grants(Program.CLIENT, settings)])
    _refuse_hidden([topic["name"] for topic in described if topic["error_code"] == _NOT_ALLOWED], "Write")
    missing = [topic["name"] for topic in described if topic["error_code"] != 0]
    if missing:
        raise TopicsError(f"there is no topic {missing[0]}: run `shelfwise topics apply --broker {bootstrap}` first")


def is_group_stable(settings: Settings, bootstrap: str) -> bool:
    """Whether partitions are assigned to workers of the group."""
    with admin_client(settings, bootstrap) as client:
        return bool(client.describe_groups([settings.group])[settings.group]["group_state"] == "Stable")
