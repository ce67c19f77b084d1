"""The broker of a benchmark: the embedded one, Apache Kafka from jars, or a named one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from streams.configuration_error import ConfigurationError
from streams.harness.interface import HarnessError, KafkaHarness


class Backend(StrEnum):
    """Kind of broker that a benchmark can start."""

    EMBEDDED = "embedded"
    JARS = "jars"


def harness_of(backend: Backend, *, nodes: int = 1, seed: int = 0, data_dir: str | None = None) -> KafkaHarness:
    """A broker of this kind, not started; only jars support three nodes, only the embedded broker a data folder."""
    from streams.harness.embedded_harness import EmbeddedKafka
    from streams.harness.jars import JarsKafka

    if backend is Backend.JARS:
        return JarsKafka(nodes)
    return EmbeddedKafka(data_dir=data_dir, seed=seed)


@contextmanager
def broker_for(backend: Backend, named: str | None) -> Iterator[str]:
    """Bootstrap servers: the named ones, or those of a broker that lives as long as the block.

    Raises `ConfigurationError` if a broker of this kind cannot be started here.
    """
    with broker_with_pids(backend, named) as (bootstrap, _):
        yield bootstrap


@contextmanager
def broker_with_pids(backend: Backend, named: str | None) -> Iterator[tuple[str, Sequence[int]]]:
    """The same, with the ids of the broker's processes; none for a named broker, and for the embedded one."""
    from streams.harness.jars import JarsKafka

    if named is not None:
        yield named, ()
        return
    try:
        with harness_of(backend) as harness:
            yield harness.bootstrap, harness.pids if isinstance(harness, JarsKafka) else ()
    except HarnessError as error:
        raise ConfigurationError(str(error)) from error
