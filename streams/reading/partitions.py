"""Looks up the partitions of a topic without side effects."""

from typing import Any

from streams.reading.topic_names import PLAIN, TopicNames


async def partitions_of(consumer: Any, topic: str) -> list[int]:
    """Partitions of a topic by the metadata of an aiokafka consumer's broker; empty if it does not exist.

    A request for one topic would create it on a cluster with automatic topic creation; a request for all does not.
    """
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001  no public method queries the broker
    names: TopicNames = getattr(consumer, "topic_names", PLAIN)
    return sorted(cluster.partitions_for_topic(names.at_broker(topic)) or ())
