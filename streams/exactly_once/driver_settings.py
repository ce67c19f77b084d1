"""The driver's settings: one frozen object, every knob with its unit."""

from dataclasses import dataclass
from typing import Any

from streams.exactly_once.records.compression import Compression
from streams.exactly_once.security import SecuritySettings


@dataclass(frozen=True, kw_only=True)
class DriverSettings:
    """Where the broker is, who this worker is in its group, and how patient it is.

    ``group`` also begins every transactional id: two groups never fence each other. ``commit_max_records``
    bounds what is held for one transaction: reaching it commits before the interval ends. While a task has more to
    read, and what it reads is at least ``commit_behind_ms`` old, it commits only so often, if that is longer than
    ``commit_interval_ms``: nobody would see the difference, and a larger transaction costs less. It is also the
    longest that commits move apart where they take long.
    ``start_deadline_ms`` is how long to look for a broker at start (None: until told to stop),
    ``topic_patience_ms`` how long a topic may be missing before that is an error: brokers hear of new topics
    one after the other.
    """

    bootstrap: str
    group: str
    client_id: str = "exactly-once"
    group_instance_id: str | None = None
    security: SecuritySettings | None = None
    commit_interval_ms: int = 150
    commit_behind_ms: int = 1_000
    commit_max_records: int = 50_000
    transaction_timeout_ms: int = 60_000
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 1_000
    rebalance_timeout_ms: int = 60_000
    max_poll_interval_ms: int = 300_000
    request_timeout_ms: int = 40_000
    metadata_max_age_ms: int = 60_000
    fetch_wait_ms: int = 25
    fetch_max_records: int = 4_000
    fetch_max_partition_bytes: int = 2_097_152
    produce_max_batch_bytes: int = 900_000
    compression: Compression | None = None
    start_deadline_ms: int | None = None
    topic_patience_ms: int = 5_000
    restores_max: int = 8
    stop_timeout_ms: int = 15_000
    reopen_backoff_ms: int = 200

    def __post_init__(self) -> None:
        """Refuse what the broker or Kafka's protocol would refuse later, and less clearly.

        >>> DriverSettings(bootstrap="127.0.0.1:9092", group="")
        Traceback (most recent call last):
        ...
        ValueError: bootstrap and group must not be empty
        """
        if not self.bootstrap or not self.group:
            raise ValueError("bootstrap and group must not be empty")
        if self.heartbeat_interval_ms >= self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms must be below session_timeout_ms, a third of it or less")
        for name in ("commit_interval_ms", "commit_behind_ms"):
            if getattr(self, name) >= self.transaction_timeout_ms:
                raise ValueError(f"{name} must be below transaction_timeout_ms")

    def client_options(self) -> dict[str, Any]:
        """Give what every aiokafka client takes: where, who, and how to prove it."""
        security = {} if self.security is None else self.security.client_options()
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            **security,
        }
