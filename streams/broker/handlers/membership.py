"""JoinGroup, SyncGroup, Heartbeat, LeaveGroup: the classic rebalance protocol on the wire."""

from typing import Any

from streams.broker.group_admission import MemberIdRequiredFailure
from streams.broker.group_member import JoinRequest
from streams.broker.protocol_errors import ErrorCode, KafkaFailure, require
from streams.broker.state import BrokerState, session_clock_ms
from streams.broker.wire import RESPONSES, Request

_JoinMember = RESPONSES["JoinGroup"].JoinGroupResponseMember
_LeaveMember = RESPONSES["LeaveGroup"].MemberResponse
_MEMBER_ID_REQUIRED_SINCE = 4
_SESSION_TIMEOUT_MS_MAX = 1_800_000


async def join_group(state: BrokerState, request: Request) -> Any:
    """Add a member, and respond after the rebalance."""
    body = request.body
    try:
        is_legal = 0 < body.session_timeout_ms <= _SESSION_TIMEOUT_MS_MAX
        require(is_legal, ErrorCode.INVALID_SESSION_TIMEOUT)
        joined = await state.groups.get_or_create(body.group_id).join(
            JoinRequest(
                member_id=body.member_id,
                instance_id=body.group_instance_id,
                client_id=request.client_id,
                client_host=request.client_host,
                session_timeout_ms=body.session_timeout_ms,
                rebalance_timeout_ms=body.rebalance_timeout_ms if request.version >= 1 else body.session_timeout_ms,
                protocol_type=body.protocol_type,
                protocols=tuple((protocol.name, bytes(protocol.metadata)) for protocol in body.protocols),
                must_know_id=request.version >= _MEMBER_ID_REQUIRED_SINCE,
            ),
            session_clock_ms(),
        )
    except MemberIdRequiredFailure as failure:
        return _refused(request, failure.code, failure.member_id)
    except KafkaFailure as failure:
        return _refused(request, failure.code, body.member_id)
    return request.answer(
        error_code=0,
        generation_id=joined.generation,
        protocol_type=joined.protocol_type,
        protocol_name=joined.protocol,
        leader=joined.leader_id,
        member_id=joined.member_id,
        members=[
            _JoinMember(member_id=member_id, group_instance_id=instance_id, metadata=metadata)
            for member_id, instance_id, metadata in joined.members
        ],
    )


def _refused(request: Request, code: ErrorCode, member_id: str) -> Any:
    protocol = None if request.version >= 7 else ""
    return request.answer(
        error_code=code,
        generation_id=-1,
        protocol_type=None,
        protocol_name=protocol,
        leader="",
        member_id=member_id,
        members=[],
    )


async def sync_group(state: BrokerState, request: Request) -> Any:
    """Accept the leader's assignment, and send each member its part."""
    body = request.body
    try:
        group = state.groups.get(body.group_id)
        group.check_instance(body.member_id, body.group_instance_id)
        for given, ours in ((body.protocol_type, group.protocol_type), (body.protocol_name, group.protocol)):
            require(given in (None, ours), ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        assignment = await group.sync(
            body.member_id,
            body.generation_id,
            {each.member_id: bytes(each.assignment) for each in body.assignments},
            session_clock_ms(),
        )
    except KafkaFailure as failure:
        return request.answer(error_code=failure.code, protocol_type=None, protocol_name=None, assignment=b"")
    return request.answer(
        error_code=0, protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=assignment
    )


async def heartbeat(state: BrokerState, request: Request) -> Any:
    """Extend a member's session, or announce a rebalance."""
    body = request.body
    try:
        group = state.groups.get(body.group_id)
        group.check_instance(body.member_id, body.group_instance_id)
        group.heartbeat(body.member_id, body.generation_id, session_clock_ms())
    except KafkaFailure as failure:
        return request.answer(error_code=failure.code)
    return request.answer(error_code=0)


async def leave_group(state: BrokerState, request: Request) -> Any:
    """Remove members by id or instance id."""
    body = request.body
    if request.version < 3:
        return request.answer(error_code=_leave(state, body.group_id, body.member_id, None))
    members = [
        _LeaveMember(
            member_id=member.member_id,
            group_instance_id=member.group_instance_id,
            error_code=_leave(state, body.group_id, member.member_id, member.group_instance_id),
        )
        for member in body.members
    ]
    return request.answer(error_code=0, members=members)


def _leave(state: BrokerState, group_id: str, member_id: str, instance_id: str | None) -> ErrorCode:
    try:
        group = state.groups.get(group_id)
        if instance_id is not None:
            known = group.static_member(instance_id)
            if known is not None and not member_id:
                member_id = known.member_id
            group.check_instance(member_id, instance_id)
        group.leave(member_id, session_clock_ms())
    except KafkaFailure as failure:
        return failure.code
    return ErrorCode.NONE
