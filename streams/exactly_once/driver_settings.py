"""The driver's settings: one frozen object, with units in the names."""

from dataclasses import dataclass
from typing import Any

from streams.exactly_once.records.compression import Compression
from streams.exactly_once.security import SecuritySettings


@dataclass(frozen=True, kw_only=True)
class DriverSettings:
    """Broker, group membership, and timeouts.

    ``group`` is also the prefix of every transactional id, so different groups never fence each other.
    ``commit_max_records`` bounds a transaction: when it is reached, the task commits before the interval ends. While a
    task has unread input that is at least ``commit_behind_ms`` old, it commits only at that interval, if it is longer
    than ``commit_interval_ms``: larger transactions are cheaper, and the delay is invisible. This is also the maximum
    interval when commits are slow. ``start_deadline_ms`` limits the search for a broker at start (None: no limit);
    ``topic_patience_ms`` is how long a topic may be missing before that is an error, because brokers learn of new
    topics one after the other.
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
        """Refuse settings that the broker or the protocol would refuse later, with a less clear error.

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
        """Keyword arguments for every aiokafka client: servers, client id and security."""
        security = {} if self.security is None else self.security.client_options()
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            **security,
        }
