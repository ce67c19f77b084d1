"""Creates harnesses by the name of their backend."""

from streams.harness.docker import DockerKafka
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import Backend, HarnessError, KafkaHarness
from streams.harness.jars import JarsKafka


def new_harness(backend: Backend, nodes: int = 1) -> KafkaHarness:
    """A harness, not started yet.

    Raises HarnessError if the backend does not support this number of nodes.

    >>> new_harness(Backend.EMBEDDED).status()
    {1: 'stopped'}
    """
    if nodes not in {1, 3} or (backend is Backend.EMBEDDED and nodes != 1):
        raise HarnessError(f"{backend.value} does not come with {nodes} nodes: embedded has 1, jars and docker 1 or 3")
    if backend is Backend.EMBEDDED:
        return EmbeddedKafka()
    return JarsKafka(nodes) if backend is Backend.JARS else DockerKafka(nodes)
