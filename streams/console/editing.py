"""What editors write, and read before they do: clients of their own, for each request, since editing is rare."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from streams.auditing.reading import newest_by_key
from streams.connections import aiokafka_options
from streams.console.experimenting import Read
from streams.console.own_forms import RefusedError
from streams.console.renaming import Publish
from streams.publishing import Publisher
from streams.settings import Settings


def publishing(settings: Settings, bootstrap: str) -> Publish:
    """Writes as the commands do: idempotently, acknowledged by all replicas."""

    async def publish(topic: str, key: str, value: bytes | None) -> None:
        with _refusing(topic):
            async with Publisher(bootstrap, **_options(settings, bootstrap)) as publisher:
                await publisher.publish(topic, key, value)
                await publisher.flush()

    return publish


def reading(settings: Settings, bootstrap: str) -> Read:
    """Reads a compacted topic up to its present end."""

    async def read(topic: str) -> dict[str, bytes]:
        with _refusing(topic):
            return await newest_by_key(bootstrap, topic, _options(settings, bootstrap))

    return read


def _options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    return options


@contextmanager
def _refusing(topic: str) -> Iterator[None]:
    """Say what a broker refuses, or that it is away, on the page that asked."""
    try:
        yield
    except TopicAuthorizationFailedError as error:
        remedy = "give it those of `shelfwise topics acls --program console-editor`"
        raise RefusedError(503, f"The console lacks a right on {topic}: {remedy}.") from error
    except (KafkaError, TimeoutError) as error:
        said = f"The broker does not answer ({type(error).__name__})"
        raise RefusedError(503, f"{said}: look at {topic} before trying again.") from error
