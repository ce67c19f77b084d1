"""ListGroups, DescribeGroups, DeleteGroups."""

from typing import Any

from streams.broker.group import Group
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.state import BrokerState
from streams.broker.wire import RESPONSES, Request

_Listed = RESPONSES["ListGroups"].ListedGroup
_Described = RESPONSES["DescribeGroups"].DescribedGroup
_DescribedMember = _Described.DescribedGroupMember
_Deleted = RESPONSES["DeleteGroups"].DeletableGroupResult


async def list_groups(state: BrokerState, request: Request) -> Any:
    """List all groups, or those in certain states."""
    wanted = {name.lower() for name in request.body.states_filter or ()}
    groups = [
        _Listed(group_id=group_id, protocol_type=group.protocol_type, group_state=group.state.value)
        for group_id, group in sorted(state.groups.by_id.items())
        if not wanted or group.state.value.lower() in wanted
    ]
    return request.answer(error_code=0, groups=groups)


async def describe_groups(state: BrokerState, request: Request) -> Any:
    """Describe groups with their members; an unknown group is "Dead", as in Kafka."""
    return request.answer(
        groups=[_describe(group_id, state.groups.by_id.get(group_id)) for group_id in request.body.groups]
    )


def _describe(group_id: str, group: Group | None) -> Any:
    if group is None:
        return _Described(
            error_code=0,
            group_id=group_id,
            group_state="Dead",
            protocol_type="",
            protocol_data="",
            members=[],
        )
    protocol = group.protocol or ""
    return _Described(
        error_code=0,
        group_id=group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type,
        protocol_data=protocol,
        members=[
            _DescribedMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=f"/{member.client_host}",
                member_metadata=dict(member.protocols).get(protocol, b""),
                member_assignment=member.assignment,
            )
            for member in group.members.values()
        ],
    )


async def delete_groups(state: BrokerState, request: Request) -> Any:
    """Delete groups that have no members."""
    results = []
    for group_id in request.body.groups_names:
        try:
            state.groups.delete(group_id)
            code = ErrorCode.NONE
        except KafkaFailure as failure:
            code = failure.code
        results.append(_Deleted(group_id=group_id, error_code=code))
    return request.answer(results=results)
