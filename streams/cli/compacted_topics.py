"""Reads and writes single records of compacted topics, for commands of editors and experimenters."""

from typing import TYPE_CHECKING, Any

from streams.cli.options import needed_broker

if TYPE_CHECKING:
    from streams.settings import Settings


def newest_of(settings: "Settings", topic: str) -> dict[str, bytes]:
    """The newest value of each key, without those that were removed, in the order in which they were written."""
    import asyncio

    from streams.auditing.reading import newest_by_key

    bootstrap, options = _connection(settings)
    return asyncio.run(newest_by_key(bootstrap, topic, options))


def values_of(settings: "Settings", topic: str) -> list[bytes]:
    """All values that the topic still has, in the order in which they were written; without those that remove a key."""
    import asyncio

    from streams.auditing.reading import read_committed

    bootstrap, options = _connection(settings)
    return [value for _, value in asyncio.run(read_committed(bootstrap, topic, options)) if value is not None]


def publish(settings: "Settings", topic: str, key: str, value: bytes | None) -> None:
    """Write one record; a null value removes the key."""
    import asyncio

    from streams.publishing import Publisher

    bootstrap, options = _connection(settings)

    async def write() -> None:
        async with Publisher(bootstrap, **options) as publisher:
            await publisher.publish(topic, key, value)
            await publisher.flush()

    asyncio.run(write())


def _connection(settings: "Settings") -> tuple[str, dict[str, Any]]:
    from streams.connections import aiokafka_options

    options = aiokafka_options(settings, needed_broker(settings))
    return options.pop("bootstrap_servers"), options
