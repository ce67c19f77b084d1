"""InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn: transactions on the wire."""

from typing import Any

from streams.broker.groups import CommittedOffset
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.state import BrokerState, session_clock_ms
from streams.broker.transactions import PendingOffset
from streams.broker.wire import RESPONSES, Request

_AddTopic = RESPONSES["AddPartitionsToTxn"].AddPartitionsToTxnTopicResult
_AddPartition = _AddTopic.AddPartitionsToTxnPartitionResult
_OffsetTopic = RESPONSES["TxnOffsetCommit"].TxnOffsetCommitResponseTopic
_OffsetPartition = _OffsetTopic.TxnOffsetCommitResponsePartition
# versions in which clients know PRODUCER_FENCED (90); older ones get INVALID_PRODUCER_EPOCH
_KNOWS_FENCED_SINCE = {"InitProducerId": 4, "AddPartitionsToTxn": 2, "AddOffsetsToTxn": 2, "EndTxn": 2}


def _code(request: Request, failure: KafkaFailure) -> ErrorCode:
    knows_fenced = request.version >= _KNOWS_FENCED_SINCE.get(request.api, 1 << 15)
    if failure.code is ErrorCode.PRODUCER_FENCED and not knows_fenced:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return failure.code


async def init_producer_id(state: BrokerState, request: Request) -> Any:
    """Assign a producer id and epoch, fencing the previous user of the transactional id."""
    body = request.body
    try:
        if body.transactional_id is None:
            return request.answer(error_code=0, producer_id=state.transactions.new_producer_id(), producer_epoch=0)
        record = state.transactions.init_producer(
            body.transactional_id,
            timeout_ms=body.transaction_timeout_ms,
            producer_id=body.producer_id if request.version >= 3 else -1,
            epoch=body.producer_epoch if request.version >= 3 else -1,
        )
    except KafkaFailure as failure:
        return request.answer(error_code=_code(request, failure), producer_id=-1, producer_epoch=-1)
    return request.answer(error_code=0, producer_id=record.producer_id, producer_epoch=record.epoch)


async def add_partitions_to_txn(state: BrokerState, request: Request) -> Any:
    """Add partitions to a transaction: all of them or, if one does not exist, none."""
    body = request.body
    topics = body.v3_and_below_topics
    partitions = [(topic.name, index) for topic in topics for index in topic.partitions]
    missing = {key for key in partitions if state.topics.find(*key) is None}
    code = ErrorCode.NONE
    try:
        if not missing:
            state.transactions.add_partitions(
                body.v3_and_below_transactional_id,
                body.v3_and_below_producer_id,
                body.v3_and_below_producer_epoch,
                partitions,
            )
    except KafkaFailure as failure:
        code = _code(request, failure)

    def result(name: str, index: int) -> ErrorCode:
        if not missing:
            return code
        is_missing = (name, index) in missing
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if is_missing else ErrorCode.OPERATION_NOT_ATTEMPTED

    return request.answer(
        results_by_topic_v3_and_below=[
            _AddTopic(
                name=topic.name,
                results_by_partition=[
                    _AddPartition(partition_index=index, partition_error_code=result(topic.name, index))
                    for index in topic.partitions
                ],
            )
            for topic in topics
        ]
    )


async def add_offsets_to_txn(state: BrokerState, request: Request) -> Any:
    """Announce that offsets of a group will be part of the transaction."""
    body = request.body
    try:
        state.transactions.add_group(body.transactional_id, body.producer_id, body.producer_epoch)
    except KafkaFailure as failure:
        return request.answer(error_code=_code(request, failure))
    return request.answer(error_code=0)


async def txn_offset_commit(state: BrokerState, request: Request) -> Any:
    """Hold a group's offsets until the transaction commits; checks the member's generation."""
    body = request.body
    code = ErrorCode.NONE
    try:
        if body.generation_id >= 0 or body.member_id:
            state.groups.get(body.group_id).check_instance(body.member_id, body.group_instance_id)
            state.groups.check_commit(body.group_id, body.member_id, body.generation_id, session_clock_ms())
        state.transactions.add_offsets(
            body.transactional_id,
            body.producer_id,
            body.producer_epoch,
            [
                PendingOffset(
                    group_id=body.group_id,
                    topic=topic.name,
                    partition=part.partition_index,
                    committed=CommittedOffset(
                        part.committed_offset, part.committed_leader_epoch, part.committed_metadata
                    ),
                )
                for topic in body.topics
                for part in topic.partitions
            ],
        )
    except KafkaFailure as failure:
        code = _code(request, failure)
    return request.answer(
        topics=[
            _OffsetTopic(
                name=topic.name,
                partitions=[
                    _OffsetPartition(partition_index=part.partition_index, error_code=code) for part in topic.partitions
                ],
            )
            for topic in body.topics
        ]
    )


async def end_txn(state: BrokerState, request: Request) -> Any:
    """Commit or abort a transaction."""
    body = request.body
    try:
        state.transactions.end(body.transactional_id, body.producer_id, body.producer_epoch, committed=body.committed)
    except KafkaFailure as failure:
        return request.answer(error_code=_code(request, failure))
    return request.answer(error_code=0)
