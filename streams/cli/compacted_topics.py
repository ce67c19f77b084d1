"""Reads and writes single records of compacted topics, for commands of editors and experimenters."""

from typing import TYPE_CHECKING, Any

from streams.cli.options import needed_broker

if TYPE_CHECKING:
    from streams.settings import Settings


def newest_of(settings: "Settings", topic: str) -> dict[str, bytes]:
    """The newest value of each key, without those that were removed, in the order in which they were written.

    Replaced values are dropped while the topic is read, so memory is that of the result, however long the log is.
    """
    import asyncio

    return asyncio.run(_newest(*_connection(settings), topic))


async def _newest(bootstrap: str, options: dict[str, Any], topic: str) -> dict[str, bytes]:
    from streams.auditing.reading import stream_committed

    found: dict[str, bytes] = {}
    async for record in stream_committed(bootstrap, topic, options):
        name = (record.key or b"").decode(errors="replace")
        found.pop(name, None)
        if record.value is not None:
            found[name] = record.value
    return found


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
