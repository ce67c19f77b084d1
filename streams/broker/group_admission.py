"""Admission of members to a consumer group, and their ids."""

from collections.abc import Callable

from streams.broker.group_member import JoinRequest, Member
from streams.broker.protocol_errors import ErrorCode, KafkaFailure


class MemberIdRequiredFailure(KafkaFailure):
    """A new member gets its id and joins again with it, so that a lost response leaves no ghost member."""

    def __init__(self, member_id: str) -> None:
        super().__init__(ErrorCode.MEMBER_ID_REQUIRED)
        self.member_id = member_id


class Admission:
    """Adds members to one group."""

    def __init__(self, members: dict[str, Member], new_member_id: Callable[[str], str]) -> None:
        self._members = members
        self._new_member_id = new_member_id
        self._promised_until_ms: dict[str, float] = {}  # ids given to clients that have not joined with them yet

    def check_protocols(self, request: JoinRequest, protocol_type: str) -> None:
        """Refuse a member that shares no assignment protocol with the others; raises `KafkaFailure`."""
        others = [
            member
            for member in self._members.values()
            if member.member_id != request.member_id
            and (member.instance_id is None or member.instance_id != request.instance_id)
        ]
        if not request.protocols or not request.protocol_type:
            raise KafkaFailure(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        if not others:
            return
        names = {name for name, _ in request.protocols}
        common = set.intersection(*({name for name, _ in other.protocols} for other in others))
        if request.protocol_type != protocol_type or not names & common:
            raise KafkaFailure(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)

    def admit(self, request: JoinRequest, now_ms: float) -> Member:
        """Find the member or add it; raises `KafkaFailure`."""
        if request.instance_id is not None:
            return self._admit_static(request, request.instance_id)
        if not request.member_id:
            member_id = self._new_member_id(request.client_id)
            if request.must_know_id:
                self._promised_until_ms[member_id] = now_ms + request.session_timeout_ms
                raise MemberIdRequiredFailure(member_id)
            return self._add(member_id, request)
        if request.member_id in self._members:
            return self._members[request.member_id]
        if self._promised_until_ms.pop(request.member_id, None) is None:
            raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
        return self._add(request.member_id, request)

    def _admit_static(self, request: JoinRequest, instance_id: str) -> Member:
        found = (member for member in self._members.values() if member.instance_id == instance_id)
        known = next(found, None)
        if request.member_id:
            if known is None:
                raise KafkaFailure(ErrorCode.UNKNOWN_MEMBER_ID)
            if known.member_id != request.member_id:
                raise KafkaFailure(ErrorCode.FENCED_INSTANCE_ID)
            return known
        fresh = self._add(self._new_member_id(instance_id), request)
        if known is not None:  # the instance is back after a restart: it takes the old one's place
            fresh.replaces = known.member_id
            fresh.assignment, fresh.has_synced = known.assignment, known.has_synced
            fresh.protocols = known.protocols
        return fresh

    def _add(self, member_id: str, request: JoinRequest) -> Member:
        member = Member(
            member_id=member_id,
            instance_id=request.instance_id,
            client_id=request.client_id,
            client_host=request.client_host,
            session_timeout_ms=request.session_timeout_ms,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            protocols=request.protocols,
        )
        self._members[member_id] = member
        return member

    def tick(self, now_ms: float) -> None:
        """Remove ids that were not used in time."""
        for member_id, until_ms in list(self._promised_until_ms.items()):
            if until_ms <= now_ms:
                del self._promised_until_ms[member_id]
