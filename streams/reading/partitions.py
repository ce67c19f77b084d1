"""Which partitions a topic has, asked without side effects."""

from typing import Any


async def partitions_of(consumer: Any, topic: str) -> list[int]:
    """Numbers of a topic's partitions, as an aiokafka consumer's broker tells; none where it does not exist.

    To ask for one topic by its name creates it on a cluster that makes topics by itself; to ask for all does not.
    """
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001  no public call asks the broker
    return sorted(cluster.partitions_for_topic(topic) or ())
