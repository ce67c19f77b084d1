"""All consumer groups: their members and their committed offsets, both remembered by the journal."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from streams.broker.group import Group
from streams.broker.group_member import GroupRecord
from streams.broker.journal import Journal
from streams.broker.protocol_errors import ErrorCode, KafkaFailure

_SEPARATOR = "\0"


class CommittedOffset(msgspec.Struct, frozen=True):
    """A committed offset."""

    offset: int
    leader_epoch: int = -1
    metadata: str | None = ""


class OffsetKey(NamedTuple):
    """Key of a committed offset."""

    group_id: str
    topic: str
    partition: int

    def encode(self) -> str:
        """Return the key of the journal.

        >>> OffsetKey.decode(OffsetKey("g", "t", 3).encode().removeprefix("offset/"))
        OffsetKey(group_id='g', topic='t', partition=3)
        """
        return "offset/" + _SEPARATOR.join((self.group_id, self.topic, str(self.partition)))

    @classmethod
    def decode(cls, text: str) -> "OffsetKey":
        """Undo `encode`, its prefix removed."""
        group_id, topic, partition = text.rsplit(_SEPARATOR, 2)
        return cls(group_id, topic, int(partition))


class Groups:
    """The coordinator of all groups.

    Member ids contain a number that no earlier run of the broker with this journal has used.
    """

    def __init__(self, journal: Journal, now_ms: float) -> None:
        self.by_id: dict[str, Group] = {}
        self.offsets: dict[str, dict[tuple[str, int], CommittedOffset]] = {}
        self._journal = journal
        runs = dict(journal.items("runs"))
        self._run = 1 + (msgspec.msgpack.decode(runs[""], type=int) if runs else 0)
        journal.put({"runs": self._run})
        self._member_count = 0
        for group_id, encoded in journal.items("group/"):
            self.get_or_create(group_id).restore(msgspec.msgpack.decode(encoded, type=GroupRecord), now_ms)
        for text, encoded in journal.items("offset/"):
            key = OffsetKey.decode(text)
            committed = msgspec.msgpack.decode(encoded, type=CommittedOffset)
            self.offsets.setdefault(key.group_id, {})[key.topic, key.partition] = committed

    def _new_member_id(self, name: str) -> str:
        self._member_count += 1
        return f"{name}-{self._run}-{self._member_count}"

    def get_or_create(self, group_id: str) -> Group:
        """Return a group; raises `KafkaFailure` for an empty name."""
        if not group_id:
            raise KafkaFailure(ErrorCode.INVALID_GROUP_ID)
        group = self.by_id.get(group_id)
        if group is None:
            group = Group(
                save=lambda group: self._journal.put({f"group/{group_id}": group.record()}),
                new_member_id=self._new_member_id,
            )
            self.by_id[group_id] = group
        return group

    def get(self, group_id: str) -> Group:
        """Return an existing group; raises `KafkaFailure` if no member has joined it."""
        if group_id not in self.by_id:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        return self.by_id[group_id]

    def check_commit(self, group_id: str, member_id: str, generation: int, now_ms: float) -> None:
        """Check whether offsets may be committed; raises `KafkaFailure`."""
        group = self.by_id.get(group_id)
        if group is not None:
            group.check_commit(member_id, generation, now_ms)
        elif generation >= 0 or member_id:
            raise KafkaFailure(ErrorCode.ILLEGAL_GENERATION)

    def commit(self, group_id: str, offsets: Mapping[tuple[str, int], CommittedOffset]) -> None:
        """Commit the offsets of one request, atomically."""
        self._journal.put(
            {
                OffsetKey(group_id, topic, partition).encode(): committed
                for (topic, partition), committed in offsets.items()
            }
        )
        self.remember(group_id, offsets)

    def remember(self, group_id: str, offsets: Mapping[tuple[str, int], CommittedOffset]) -> None:
        """Apply offsets that are in the journal already."""
        self.get_or_create(group_id)
        self.offsets.setdefault(group_id, {}).update(offsets)

    def forget_offsets(self, keys: Iterable[OffsetKey]) -> None:
        """Delete committed offsets."""
        known = [key for key in keys if (key.topic, key.partition) in self.offsets.get(key.group_id, {})]
        self._journal.put({key.encode(): None for key in known})
        for key in known:
            del self.offsets[key.group_id][key.topic, key.partition]

    def forget_topic(self, topic: str) -> None:
        """Delete the offsets of a topic that was deleted."""
        self.forget_offsets(
            OffsetKey(group_id, name, partition)
            for group_id, offsets in list(self.offsets.items())
            for name, partition in list(offsets)
            if name == topic
        )

    def delete(self, group_id: str) -> None:
        """Delete a group without members and its offsets; raises `KafkaFailure`."""
        group = self.by_id.get(group_id)
        if group is None:
            raise KafkaFailure(ErrorCode.GROUP_ID_NOT_FOUND)
        if group.members:
            raise KafkaFailure(ErrorCode.NON_EMPTY_GROUP)
        self.forget_offsets(OffsetKey(group_id, *key) for key in list(self.offsets.get(group_id, {})))
        self._journal.put({f"group/{group_id}": None})
        self.offsets.pop(group_id, None)
        del self.by_id[group_id]

    def tick(self, now_ms: float) -> None:
        """End expired sessions and rebalances."""
        for group in self.by_id.values():
            group.tick(now_ms)
