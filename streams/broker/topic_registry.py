"""The topics, with their partitions' logs and their settings, backed by the journal."""

import re
from collections.abc import Callable, Mapping

import msgspec

from streams.broker import topic_config
from streams.broker.journal import Journal
from streams.broker.log import PartitionLog
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.storage import Storage
from streams.broker.topic_config import LogSettings

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class TopicRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The journal entry of a topic; `number` distinguishes it from an earlier topic of the same name."""

    number: int
    partitions: int
    configs: dict[str, str]
    start_offsets: dict[int, int] = {}


class Topic:
    """One topic with its open logs."""

    def __init__(self, name: str, record: TopicRecord, logs: list[PartitionLog]) -> None:
        self.name = name
        self.record = record
        self.logs = logs


class Topics:
    """All topics by name; every change is written to the journal first."""

    def __init__(self, storage: Storage, journal: Journal, clock_ms: Callable[[], int]) -> None:
        self.by_name: dict[str, Topic] = {}
        self._storage = storage
        self._journal = journal
        self._clock_ms = clock_ms
        self._next_number = 1
        for name, encoded in journal.items("topic/"):
            self._open(name, msgspec.msgpack.decode(encoded, type=TopicRecord))

    def _open(self, name: str, record: TopicRecord) -> Topic:
        topic = Topic(name, record, [])
        self.by_name[name] = topic
        self._next_number = max(self._next_number, record.number + 1)
        self._open_logs(topic)
        return topic

    def _open_logs(self, topic: Topic) -> None:
        record = topic.record
        settings = LogSettings.of(record.configs)
        for partition in range(len(topic.logs), record.partitions):
            folder = f"logs/{topic.name}-{partition}.{record.number}"
            start_offset = record.start_offsets.get(partition, 0)
            topic.logs.append(
                PartitionLog(
                    self._storage,
                    folder,
                    settings=settings,
                    clock_ms=self._clock_ms,
                    start_offset=start_offset,
                )
            )

    def _save(self, topic: Topic, record: TopicRecord) -> None:
        self._journal.put({f"topic/{topic.name}": record})
        topic.record = record

    def get(self, name: str) -> Topic:
        """Return a topic; raises `KafkaFailure` (UNKNOWN_TOPIC_OR_PARTITION)."""
        topic = self.by_name.get(name)
        if topic is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return topic

    def find(self, name: str, partition: int) -> PartitionLog | None:
        """Return a partition's log, or None if it does not exist."""
        topic = self.by_name.get(name)
        if topic is None or not 0 <= partition < len(topic.logs):
            return None
        return topic.logs[partition]

    def log(self, name: str, partition: int) -> PartitionLog:
        """Return a partition's log; raises `KafkaFailure` (UNKNOWN_TOPIC_OR_PARTITION)."""
        log = self.find(name, partition)
        if log is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return log

    def check_new(self, name: str, partitions: int, configs: Mapping[str, str | None]) -> dict[str, str]:
        """Check whether a topic could be created; raises `KafkaFailure`."""
        if not _LEGAL_NAME.fullmatch(name) or name in (".", ".."):
            raise KafkaFailure(ErrorCode.INVALID_TOPIC, f"'{name}' is not a legal topic name")
        if name in self.by_name:
            raise KafkaFailure(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        if partitions < 1:
            raise KafkaFailure(ErrorCode.INVALID_PARTITIONS, "a topic has at least one partition")
        return topic_config.check(configs)

    def create(self, name: str, partitions: int, configs: Mapping[str, str | None]) -> Topic:
        """Create a topic; raises `KafkaFailure`."""
        record = TopicRecord(
            number=self._next_number,
            partitions=partitions,
            configs=self.check_new(name, partitions, configs),
        )
        self._journal.put({f"topic/{name}": record})
        return self._open(name, record)

    def grow(self, name: str, partitions: int, *, validate_only: bool) -> None:
        """Add partitions up to a total; raises `KafkaFailure`."""
        topic = self.get(name)
        if partitions <= topic.record.partitions:
            raise KafkaFailure(
                ErrorCode.INVALID_PARTITIONS,
                f"The topic {name} currently has {topic.record.partitions} partition(s); "
                f"{partitions} would not be an increase.",
            )
        if not validate_only:
            self._save(topic, msgspec.structs.replace(topic.record, partitions=partitions))
            self._open_logs(topic)

    def configure(self, name: str, configs: Mapping[str, str | None]) -> None:
        """Replace all of a topic's settings; raises `KafkaFailure`."""
        topic = self.get(name)
        self._save(topic, msgspec.structs.replace(topic.record, configs=topic_config.check(configs)))
        settings = LogSettings.of(topic.record.configs)
        for log in topic.logs:
            log.settings = settings

    def delete_records(self, name: str, partition: int, offset: int) -> int:
        """Move a partition's start (-1: to its end) and return it; raises `KafkaFailure`."""
        log = self.log(name, partition)
        topic = self.get(name)
        log.delete_before(log.end_offset if offset == -1 else offset)
        starts = {**topic.record.start_offsets, partition: log.start_offset}
        self._save(topic, msgspec.structs.replace(topic.record, start_offsets=starts))
        return log.start_offset

    def delete(self, name: str) -> None:
        """Delete a topic with its records; raises `KafkaFailure`."""
        topic = self.get(name)
        self._journal.put({f"topic/{name}": None})
        del self.by_name[name]
        for log in topic.logs:
            log.delete()

    def close(self) -> None:
        """Close all files."""
        for topic in self.by_name.values():
            for log in topic.logs:
                log.close()
