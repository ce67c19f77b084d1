"""Topic settings: names, defaults and checks, after Apache Kafka's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streams.broker.protocol_errors import ErrorCode, KafkaFailure

BOOLEAN, STRING, INT, LONG, DOUBLE, LIST = 1, 2, 3, 5, 6, 7  # ConfigType of DescribeConfigs


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its default in the protocol's notation, its type, and its valid values."""

    default: str
    type_code: int
    accepts: Callable[[str], bool]


def _integer(minimum: int) -> Callable[[str], bool]:
    return lambda value: value.lstrip("-").isdecimal() and int(value) >= minimum


def _one_of(*choices: str) -> Callable[[str], bool]:
    return lambda value: value in choices


def _is_cleanup_policy(value: str) -> bool:
    return bool(value) and set(value.replace(" ", "").split(",")) <= {"compact", "delete"}


def _is_ratio(value: str) -> bool:
    try:
        return 0.0 <= float(value) <= 1.0
    except ValueError:
        return False


SETTINGS: dict[str, Setting] = {
    "cleanup.policy": Setting("delete", LIST, _is_cleanup_policy),
    "compression.type": Setting(
        "producer", STRING, _one_of("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")
    ),
    "delete.retention.ms": Setting("86400000", LONG, _integer(0)),
    "file.delete.delay.ms": Setting("60000", LONG, _integer(0)),
    "flush.messages": Setting("9223372036854775807", LONG, _integer(1)),
    "flush.ms": Setting("9223372036854775807", LONG, _integer(0)),
    "index.interval.bytes": Setting("4096", INT, _integer(0)),
    "max.compaction.lag.ms": Setting("9223372036854775807", LONG, _integer(1)),
    "max.message.bytes": Setting("1048588", INT, _integer(0)),
    "message.timestamp.after.max.ms": Setting("3600000", LONG, _integer(0)),
    "message.timestamp.before.max.ms": Setting("9223372036854775807", LONG, _integer(0)),
    "message.timestamp.type": Setting("CreateTime", STRING, _one_of("CreateTime", "LogAppendTime")),
    "min.cleanable.dirty.ratio": Setting("0.5", DOUBLE, _is_ratio),
    "min.compaction.lag.ms": Setting("0", LONG, _integer(0)),
    "min.insync.replicas": Setting("1", INT, _integer(1)),
    "preallocate": Setting("false", BOOLEAN, _one_of("true", "false")),
    "retention.bytes": Setting("-1", LONG, _integer(-1)),
    "retention.ms": Setting("604800000", LONG, _integer(-1)),
    "segment.bytes": Setting("16777216", INT, _integer(14)),  # Kafka's 1 GiB would never roll in a test
    "segment.index.bytes": Setting("10485760", INT, _integer(4)),
    "segment.jitter.ms": Setting("0", LONG, _integer(0)),
    "segment.ms": Setting("604800000", LONG, _integer(1)),
    "unclean.leader.election.enable": Setting("false", BOOLEAN, _one_of("true", "false")),
}


def check(overrides: Mapping[str, str | None]) -> dict[str, str]:
    """Return the settings that have a value; raises `KafkaFailure` (INVALID_CONFIG).

    >>> check({"retention.ms": "1000"})
    {'retention.ms': '1000'}
    """
    for name, value in overrides.items():
        setting = SETTINGS.get(name)
        if setting is None:
            raise KafkaFailure(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        if value is None or not setting.accepts(value):
            raise KafkaFailure(ErrorCode.INVALID_CONFIG, f"Invalid value {value} for configuration {name}")
    return {name: value for name, value in overrides.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The settings of a partition's log, as numbers."""

    is_compacted: bool
    is_deleted: bool
    delete_retention_ms: int
    max_message_bytes: int
    max_compaction_lag_ms: int
    min_cleanable_dirty_ratio: float
    min_compaction_lag_ms: int
    retention_bytes: int
    retention_ms: int
    segment_bytes: int
    segment_ms: int
    stamps_append_time: bool
    timestamp_after_max_ms: int
    timestamp_before_max_ms: int

    @classmethod
    def of(cls, overrides: Mapping[str, str]) -> "LogSettings":
        """Apply a topic's overrides to the defaults.

        >>> LogSettings.of({"cleanup.policy": "compact,delete"}).is_compacted
        True
        """

        def value(name: str) -> str:
            return overrides.get(name, SETTINGS[name].default)

        policies = value("cleanup.policy").replace(" ", "").split(",")
        return cls(
            is_compacted="compact" in policies,
            is_deleted="delete" in policies,
            delete_retention_ms=int(value("delete.retention.ms")),
            max_message_bytes=int(value("max.message.bytes")),
            max_compaction_lag_ms=int(value("max.compaction.lag.ms")),
            min_cleanable_dirty_ratio=float(value("min.cleanable.dirty.ratio")),
            min_compaction_lag_ms=int(value("min.compaction.lag.ms")),
            retention_bytes=int(value("retention.bytes")),
            retention_ms=int(value("retention.ms")),
            segment_bytes=int(value("segment.bytes")),
            segment_ms=int(value("segment.ms")),
            stamps_append_time=value("message.timestamp.type") == "LogAppendTime",
            timestamp_after_max_ms=int(value("message.timestamp.after.max.ms")),
            timestamp_before_max_ms=int(value("message.timestamp.before.max.ms")),
        )
