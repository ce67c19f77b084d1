"""Checks whether a broker answers, and how many brokers it knows."""

import contextlib
import logging
from collections.abc import Iterator

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

ANSWER_TIMEOUT_MS = 3000


@contextlib.contextmanager
def _quiet_client() -> Iterator[None]:
    """Silence the client's reports of refused connections while a broker starts."""
    client_log = logging.getLogger("kafka")
    before = client_log.level
    client_log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client_log.setLevel(before)


def answering_brokers(port: int) -> int:
    """Number of brokers in the cluster of the broker on this port; 0 if it does not answer."""
    with _quiet_client():
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=f"127.0.0.1:{port}",
                request_timeout_ms=ANSWER_TIMEOUT_MS,
                bootstrap_timeout_ms=ANSWER_TIMEOUT_MS,
            )
        except (KafkaError, OSError):
            return 0
        try:
            return len(admin.describe_cluster()["brokers"])
        except (KafkaError, OSError):
            return 0
        finally:
            admin.close()
