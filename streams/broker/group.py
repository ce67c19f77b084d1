"""One consumer group: the state machine of the classic rebalance protocol.

    EMPTY --join--> PREPARING --all joined, or time is up--> COMPLETING --leader's assignment--> STABLE
      ^                ^  join with new metadata, leave, lost session: from COMPLETING and STABLE      |
      +-- last member leaves                                                                           |

A member that waits in JoinGroup is never evicted: it cannot send heartbeats while it waits. The clock is an
argument: `tick` is what ends sessions and rebalances.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum

from streams.broker.group_admission import Admission
from streams.broker.group_member import GroupRecord, Joined, JoinRequest, Member, choose_protocol
from streams.broker.protocol_errors import ErrorCode, KafkaFailure


class GroupState(StrEnum):
    """The states, by their names in DescribeGroups."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


class Group:
    """The members of one group and where they are in a rebalance.

    `save` is called when the journal must be updated.
    """

    def __init__(self, *, save: Callable[["Group"], None], new_member_id: Callable[[str], str]) -> None:
        self.state = GroupState.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol: str | None = None
        self.leader_id: str | None = None
        self.members: dict[str, Member] = {}
        self._rebalance_deadline_ms = 0.0
        self._save = save
        self._admission = Admission(self.members, new_member_id)

    def record(self) -> GroupRecord:
        """The group's entry in the journal."""
        return GroupRecord(
            generation=self.generation,
            is_stable=self.state is GroupState.STABLE,
            protocol_type=self.protocol_type,
            protocol=self.protocol,
            leader_id=self.leader_id,
            members=tuple(member.record() for member in self.members.values()),
        )

    def restore(self, record: GroupRecord, now_ms: float) -> None:
        """Restore the group from the journal: sessions restart, and so does an unfinished rebalance."""
        self.generation = record.generation
        self.protocol_type = record.protocol_type
        self.protocol = record.protocol
        self.leader_id = record.leader_id
        self.members.update((kept.member_id, Member.of(kept)) for kept in record.members)
        for member in self.members.values():
            member.deadline_ms = now_ms + member.session_timeout_ms
            member.has_synced = True
        if not self.members:
            return
        self.state = GroupState.STABLE
        if not record.is_stable:
            self._prepare_rebalance(now_ms)

    def join(self, request: JoinRequest, now_ms: float) -> asyncio.Future[Joined]:
        """Add a member; the future completes with the rebalance. Raises `KafkaFailure`."""
        self._admission.check_protocols(request, self.protocol_type)
        member = self._admission.admit(request, now_ms)
        if member.replaces is not None:
            self._replace(member.replaces, member)
        future: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        if self._may_stay(member, request):
            member.deadline_ms = now_ms + member.session_timeout_ms
            future.set_result(self._joined(member))
            return future
        member.protocols = request.protocols
        member.session_timeout_ms = request.session_timeout_ms
        member.rebalance_timeout_ms = request.rebalance_timeout_ms
        self.protocol_type = request.protocol_type
        if self.state is not GroupState.PREPARING:
            self._prepare_rebalance(now_ms)
        if member.joining is not None and not member.joining.done():
            member.joining.cancel()  # the client has given up on its earlier request
        member.joining = future
        self._complete_join_when_all_are_here(now_ms)
        return future

    def _replace(self, old_id: str, fresh: Member) -> None:
        known = self.members.pop(old_id)
        _refuse(known, KafkaFailure(ErrorCode.FENCED_INSTANCE_ID))
        if self.leader_id == old_id:
            self.leader_id = fresh.member_id

    def _may_stay(self, member: Member, request: JoinRequest) -> bool:
        """Whether a join needs no rebalance: a returned static member, or a repeated request."""
        if member.protocols != request.protocols or not self.generation:
            return False
        if self.state is GroupState.COMPLETING:
            return member.joining is not None and member.joining.done()
        is_returned_static = member.instance_id is not None and not request.member_id
        is_follower = member.member_id != self.leader_id
        may = member.has_synced and (is_returned_static or is_follower)
        if self.state is not GroupState.STABLE or not may:
            return False
        if is_returned_static:
            self._save(self)
        return True

    def _prepare_rebalance(self, now_ms: float) -> None:
        self.state = GroupState.PREPARING
        longest_ms = max((member.rebalance_timeout_ms for member in self.members.values()), default=0)
        self._rebalance_deadline_ms = now_ms + longest_ms
        for member in self.members.values():
            member.has_synced = False
            member.joining = None
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_exception(KafkaFailure(ErrorCode.REBALANCE_IN_PROGRESS))
                member.deadline_ms = now_ms + member.session_timeout_ms
            member.syncing = None

    def _complete_join_when_all_are_here(self, now_ms: float) -> None:
        if self.state is GroupState.PREPARING and all(member.joining for member in self.members.values()):
            self._complete_join(now_ms)

    def _complete_join(self, now_ms: float) -> None:
        for member in list(self.members.values()):
            if member.joining is None and member.instance_id is None:
                del self.members[member.member_id]
        self.generation += 1
        joined = [member for member in self.members.values() if member.joining is not None]
        if not joined:
            self._become_empty_or_wait(now_ms)
            return
        self.protocol = choose_protocol(self.members.values())
        if self.leader_id not in {member.member_id for member in joined}:
            self.leader_id = joined[0].member_id
        self.state = GroupState.COMPLETING
        longest_ms = max(member.rebalance_timeout_ms for member in self.members.values())
        self._rebalance_deadline_ms = now_ms + longest_ms
        self._save(self)
        for member in joined:
            member.deadline_ms = now_ms + member.session_timeout_ms
            if member.joining is not None and not member.joining.done():
                member.joining.set_result(self._joined(member))

    def _become_empty_or_wait(self, now_ms: float) -> None:
        if self.members:  # absent static members: until their sessions end
            self._rebalance_deadline_ms = now_ms + max(member.rebalance_timeout_ms for member in self.members.values())
            return
        self.state = GroupState.EMPTY
        self.leader_id = self.protocol = None
        self._save(self)

    def _joined(self, member: Member) -> Joined:
        assert self.protocol is not None
        assert self.leader_id is not None
        protocol = self.protocol
        is_leader = member.member_id == self.leader_id
        # a returned leader must not assign: its old id is named as the leader's
        is_returned = is_leader and self.state is GroupState.STABLE and member.replaces is not None
        listed = (
            tuple((each.member_id, each.instance_id, each.metadata(protocol)) for each in self.members.values())
            if is_leader and not is_returned
            else ()
        )
        return Joined(
            generation=self.generation,
            protocol_type=self.protocol_type,
            protocol=protocol,
            leader_id=str(member.replaces) if is_returned else self.leader_id,
            member_id=member.member_id,
            members=listed,
        )

    def static_member(self, instance_id: str | None) -> Member | None:
        """Return the member of an instance id."""
        found = (member for member in self.members.values() if member.instance_id == instance_id)
        return next(found, None) if instance_id is not None else None

    def sync(
        self, member_id: str, generation: int, assignments: Mapping[str, bytes], now_ms: float
    ) -> asyncio.Future[bytes]:
        """Take the leader's assignment, give each member its own. Raises `KafkaFailure`."""
        member = self._current(member_id, generation)
        member.deadline_ms = now_ms + member.session_timeout_ms
        if self.state is GroupState.PREPARING:
            raise KafkaFailure(ErrorCode.REBALANCE_IN_PROGRESS)
        if self.state is GroupState.EMPTY:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        member.has_synced = True
        member.syncing = future
        if self.state is GroupState.STABLE:
            future.set_result(member.assignment)
        elif member_id == self.leader_id:
            self._assign(assignments, now_ms)
        return future

    def _assign(self, assignments: Mapping[str, bytes], now_ms: float) -> None:
        self.state = GroupState.STABLE
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
        self._save(self)
        for member in self.members.values():
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_result(member.assignment)
                member.deadline_ms = now_ms + member.session_timeout_ms

    def heartbeat(self, member_id: str, generation: int, now_ms: float) -> None:
        """Keep a member's session; raises `KafkaFailure`, also to call it to a rebalance."""
        member = self._current(member_id, generation)
        member.deadline_ms = now_ms + member.session_timeout_ms
        if self.state is GroupState.PREPARING:
            raise KafkaFailure(ErrorCode.REBALANCE_IN_PROGRESS)

    def check_commit(self, member_id: str, generation: int, now_ms: float) -> None:
        """Check the committer of offsets: a member of this generation, or any client if there are no members."""
        if generation < 0 and not member_id and not self.members:
            return
        member = self._current(member_id, generation)
        member.deadline_ms = now_ms + member.session_timeout_ms
        if self.state is GroupState.COMPLETING:
            raise KafkaFailure(ErrorCode.REBALANCE_IN_PROGRESS)

    def check_instance(self, member_id: str, instance_id: str | None) -> None:
        """Refuse a member whose instance id has been taken over; raises `KafkaFailure`."""
        if instance_id is None:
            return
        known = self.static_member(instance_id)
        if known is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        if known.member_id != member_id:
            raise KafkaFailure(ErrorCode.FENCED_INSTANCE_ID)

    def _current(self, member_id: str, generation: int) -> Member:
        member = self.members.get(member_id)
        if member is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        if generation != self.generation:
            raise KafkaFailure(ErrorCode.ILLEGAL_GENERATION)
        return member

    def leave(self, member_id: str, now_ms: float) -> None:
        """Remove a member, and start a rebalance of the others. Raises `KafkaFailure`."""
        member = self.members.pop(member_id, None)
        if member is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        _refuse(member, KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID))
        if not self.members:
            self.generation += 1
            self._become_empty_or_wait(now_ms)
        elif self.state is GroupState.PREPARING:
            self._complete_join_when_all_are_here(now_ms)
        else:
            self._prepare_rebalance(now_ms)

    def tick(self, now_ms: float) -> None:
        """End expired sessions and rebalances."""
        self._admission.tick(now_ms)
        for member in list(self.members.values()):
            is_waiting = any(future is not None and not future.done() for future in (member.joining, member.syncing))
            has_joined = self.state is GroupState.PREPARING and member.joining is not None
            if member.deadline_ms <= now_ms and not is_waiting and not has_joined:
                self.leave(member.member_id, now_ms)
        if self._rebalance_deadline_ms > now_ms:
            return
        if self.state is GroupState.PREPARING:
            self._complete_join(now_ms)
        elif self.state is GroupState.COMPLETING:
            self._evict_those_who_do_not_sync(now_ms)

    def _evict_those_who_do_not_sync(self, now_ms: float) -> None:
        for member in list(self.members.values()):
            if not member.has_synced:
                self.leave(member.member_id, now_ms)
        if self.state is GroupState.COMPLETING:  # the leader synced without an assignment: restart
            self._prepare_rebalance(now_ms)


def _refuse(member: Member, failure: KafkaFailure) -> None:
    for future in (member.joining, member.syncing):
        if future is not None and not future.done():
            future.set_exception(failure)
