"""Checks that topics exist and have matching partition counts, before anything is opened."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import PartitionsDifferError, TopicMissingError
from streams.exactly_once.task import TaskSpec


async def partition_counts(settings: DriverSettings, topics: Iterable[str]) -> dict[str, int]:
    """Partition counts of topics by a broker's metadata; 0 for an unknown topic.

    Raises aiokafka's KafkaConnectionError if no broker answers.
    """
    client = AIOKafkaClient(**settings.client_options())
    try:
        await client.bootstrap()
        cluster = await client.fetch_all_metadata()
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
    finally:
        await client.close()


async def topics_checked(settings: DriverSettings, specs: Sequence[TaskSpec]) -> None:
    """Check the topics of these tasks against a broker's metadata; wait a while for missing ones.

    Raises as ``check_topics`` and ``partition_counts`` do.
    """
    deadline_s = time.monotonic() + settings.topic_patience_ms / 1000
    while True:
        counts = await partition_counts(settings, topics_of(specs))
        try:
            check_topics(specs, counts)
        except TopicMissingError:
            if time.monotonic() >= deadline_s:
                raise
            await asyncio.sleep(settings.reopen_backoff_ms / 1000)
        else:
            return


def check_topics(specs: Sequence[TaskSpec], counts: Mapping[str, int]) -> None:
    """Refuse missing topics and unequal partition counts.

    Raises TopicMissingError or PartitionsDifferError, saying what to do.

    >>> spec = TaskSpec(name="sums", inputs=("left", "right"), state_topic="state", make=lambda number: ...)
    >>> try:
    ...     check_topics([spec], {"left": 4, "right": 2, "state": 4})
    ... except PartitionsDifferError as error:
    ...     print(str(error).split(" (")[0])
    task 'sums' needs equal partition counts, but left has 4, right has 2, state has 4
    """
    missing = sorted(topic for topic in topics_of(specs) if not counts.get(topic))
    if missing:
        raise TopicMissingError(f"no such topic: {', '.join(missing)}: create it first (was it deleted?)")
    for spec in specs:
        together = (*spec.inputs, spec.state_topic)
        listed = ", ".join(f"{topic} has {counts[topic]}" for topic in together)
        if len({counts[topic] for topic in together}) > 1:
            raise PartitionsDifferError(
                f"task '{spec.name}' needs equal partition counts, but {listed} (were partitions added to one?): "
                "recreate the topics with equal counts"
            )
        if spec.partition_count is not None and counts[spec.state_topic] != spec.partition_count:
            raise PartitionsDifferError(
                f"task '{spec.name}' is set up for {spec.partition_count} partitions, but {listed} (were partitions "
                "added to all of them?): what it knows of a key lies where that was before; put the old topics back"
            )


async def refuse_torn(
    settings: DriverSettings, specs: Sequence[TaskSpec], assigned: Collection[TopicPartition]
) -> None:
    """If a task was assigned different partitions of its inputs, check the topics: one may be gone, or have grown.

    Raises as ``topics_checked`` does.
    """
    for spec in specs:
        given = [{tp.partition for tp in assigned if tp.topic == topic} for topic in spec.inputs]
        if any(numbers != given[0] for numbers in given):
            await topics_checked(settings, specs)


def topics_of(specs: Sequence[TaskSpec]) -> set[str]:
    """All topics that must exist before these tasks can run."""
    return {topic for spec in specs for topic in (*spec.inputs, spec.state_topic, *spec.broadcasts)}
