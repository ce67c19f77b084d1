"""ListOffsets, OffsetCommit, OffsetFetch, OffsetDelete."""

from typing import Any

from streams.broker.groups import CommittedOffset, OffsetKey
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.state import BrokerState, session_clock_ms
from streams.broker.wire import RESPONSES, Request

_ListTopic = RESPONSES["ListOffsets"].ListOffsetsTopicResponse
_ListPartition = _ListTopic.ListOffsetsPartitionResponse
_CommitTopic = RESPONSES["OffsetCommit"].OffsetCommitResponseTopic
_CommitPartition = _CommitTopic.OffsetCommitResponsePartition
_FetchTopic = RESPONSES["OffsetFetch"].OffsetFetchResponseTopic
_FetchPartition = _FetchTopic.OffsetFetchResponsePartition
_DeleteTopic = RESPONSES["OffsetDelete"].OffsetDeleteResponseTopic
_DeletePartition = _DeleteTopic.OffsetDeleteResponsePartition
_LATEST, _EARLIEST, _MAX_TIMESTAMP = -1, -2, -3


async def list_offsets(state: BrokerState, request: Request) -> Any:
    """Find the earliest or latest offset, or that of a time; for read_committed the latest is the last stable one."""
    committed = request.body.isolation_level == 1
    topics = []
    for topic in request.body.topics:
        partitions = []
        for part in topic.partitions:
            try:
                offset, timestamp_ms = _find(
                    state, topic.name, part.partition_index, part.timestamp, committed=committed
                )
                code = ErrorCode.NONE
            except KafkaFailure as failure:
                offset, timestamp_ms, code = -1, -1, failure.code
            partitions.append(
                _ListPartition(
                    partition_index=part.partition_index,
                    error_code=code,
                    timestamp=timestamp_ms,
                    offset=offset,
                    leader_epoch=0 if offset >= 0 else -1,
                )
            )
        topics.append(_ListTopic(name=topic.name, partitions=partitions))
    return request.answer(topics=topics)


def _find(state: BrokerState, topic: str, partition: int, wanted: int, *, committed: bool) -> tuple[int, int]:
    log = state.topics.log(topic, partition)
    limit = log.last_stable_offset if committed else log.end_offset
    if wanted == _LATEST:
        return limit, -1
    if wanted == _EARLIEST:
        return log.start_offset, -1
    if wanted == _MAX_TIMESTAMP:
        wanted = log.max_timestamp_ms()
    if wanted < 0:
        return -1, -1
    record = log.find_timestamp(wanted)
    if record is None or record.offset >= limit:
        return -1, -1
    return record.offset, record.timestamp_ms


async def offset_commit(state: BrokerState, request: Request) -> Any:
    """Commit a member's offsets; they are in the journal before the response."""
    body = request.body
    failed = ErrorCode.NONE
    try:
        group = state.groups.by_id.get(body.group_id)
        if group is not None:
            group.check_instance(body.member_id, body.group_instance_id)
        state.groups.check_commit(body.group_id, body.member_id, body.generation_id_or_member_epoch, session_clock_ms())
    except KafkaFailure as failure:
        failed = failure.code
    accepted = {}
    topics = []
    for topic in body.topics:
        partitions = []
        for part in topic.partitions:
            is_known = state.topics.find(topic.name, part.partition_index) is not None
            code = failed or (ErrorCode.NONE if is_known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            if not code:
                accepted[topic.name, part.partition_index] = CommittedOffset(
                    part.committed_offset, part.committed_leader_epoch, part.committed_metadata
                )
            partitions.append(_CommitPartition(partition_index=part.partition_index, error_code=code))
        topics.append(_CommitTopic(name=topic.name, partitions=partitions))
    if accepted:
        state.groups.commit(body.group_id, accepted)
    return request.answer(topics=topics)


async def offset_fetch(state: BrokerState, request: Request) -> Any:
    """Return committed offsets, -1 if there is none; all of the group's if no topics are given."""
    body = request.body
    known = state.groups.offsets.get(body.group_id, {})
    wanted: dict[str, list[int]] = {}
    if body.topics is None:
        for topic, partition in known:
            wanted.setdefault(topic, []).append(partition)
    else:
        wanted = {topic.name: topic.partition_indexes for topic in body.topics}
    topics = []
    for name, indexes in wanted.items():
        partitions = []
        for index in indexes:
            is_unstable = body.require_stable and state.transactions.has_pending_offset(body.group_id, name, index)
            committed = known.get((name, index), CommittedOffset(-1))
            if is_unstable:
                committed = CommittedOffset(-1)
            partitions.append(
                _FetchPartition(
                    partition_index=index,
                    committed_offset=committed.offset,
                    committed_leader_epoch=committed.leader_epoch,
                    metadata=committed.metadata,
                    error_code=ErrorCode.UNSTABLE_OFFSET_COMMIT if is_unstable else ErrorCode.NONE,
                )
            )
        topics.append(_FetchTopic(name=name, partitions=partitions))
    return request.answer(topics=topics, error_code=0)


async def offset_delete(state: BrokerState, request: Request) -> Any:
    """Delete committed offsets of a group without members."""
    body = request.body
    group = state.groups.by_id.get(body.group_id)
    if group is None:
        return request.answer(error_code=ErrorCode.GROUP_ID_NOT_FOUND, topics=[])
    if group.members:
        return request.answer(error_code=ErrorCode.NON_EMPTY_GROUP, topics=[])
    state.groups.forget_offsets(
        OffsetKey(body.group_id, topic.name, part.partition_index) for topic in body.topics for part in topic.partitions
    )
    topics = [
        _DeleteTopic(
            name=topic.name,
            partitions=[
                _DeletePartition(partition_index=part.partition_index, error_code=0) for part in topic.partitions
            ],
        )
        for topic in body.topics
    ]
    return request.answer(error_code=0, topics=topics)
