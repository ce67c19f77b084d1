"""A member of a consumer group, and the journal entry of a group."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

Protocols = tuple[tuple[str, bytes], ...]


class MemberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the journal remembers it, so that a restarted broker need not rebalance."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: Protocols
    assignment: bytes


class GroupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A group as the journal remembers it; `is_stable` is False from a rebalance to its assignment."""

    generation: int
    is_stable: bool
    protocol_type: str
    protocol: str | None
    leader_id: str | None
    members: tuple[MemberRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A client's join request."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    must_know_id: bool  # JoinGroup 4 and later: a new dynamic member first gets its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The response to a member after the rebalance; only the leader's has the members."""

    generation: int
    protocol_type: str
    protocol: str
    leader_id: str
    member_id: str
    members: tuple[tuple[str, str | None, bytes], ...] = ()


@dataclass(slots=True, kw_only=True)
class Member:
    """A member with its pending responses."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: Protocols
    deadline_ms: float = 0.0  # end of the session without a heartbeat
    assignment: bytes = b""
    joining: asyncio.Future[Joined] | None = field(default=None, repr=False)
    syncing: asyncio.Future[bytes] | None = field(default=None, repr=False)
    has_synced: bool = False
    replaces: str | None = None  # the id of the static member whose place it took

    def metadata(self, protocol: str) -> bytes:
        """Return the member's metadata for one protocol."""
        return dict(self.protocols)[protocol]

    def record(self) -> MemberRecord:
        """The member's entry in the journal."""
        return MemberRecord(
            member_id=self.member_id,
            instance_id=self.instance_id,
            client_id=self.client_id,
            client_host=self.client_host,
            session_timeout_ms=self.session_timeout_ms,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            protocols=self.protocols,
            assignment=self.assignment,
        )

    @classmethod
    def of(cls, record: MemberRecord) -> "Member":
        """Restore a member from the journal."""
        return cls(
            member_id=record.member_id,
            instance_id=record.instance_id,
            client_id=record.client_id,
            client_host=record.client_host,
            session_timeout_ms=record.session_timeout_ms,
            rebalance_timeout_ms=record.rebalance_timeout_ms,
            protocols=record.protocols,
            assignment=record.assignment,
        )


def choose_protocol(members: Collection[Member]) -> str:
    """Return the protocol that all members support and most prefer."""
    common = set.intersection(*({name for name, _ in member.protocols} for member in members))
    votes = Counter(next(name for name, _ in member.protocols if name in common) for member in members)
    return votes.most_common(1)[0][0]
