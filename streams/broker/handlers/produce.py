"""Produce: batches of records into logs."""

from typing import Any

from streams.broker import record_batch as batches
from streams.broker.protocol_errors import ErrorCode, KafkaFailure, require
from streams.broker.state import BrokerState
from streams.broker.wire import RESPONSES, Request

_Topic = RESPONSES["Produce"].TopicProduceResponse
_Partition = _Topic.PartitionProduceResponse
_ACKS = (-1, 0, 1)


async def produce(state: BrokerState, request: Request) -> Any:
    """Append one batch to each of the partitions; None if the client wants no response (acks=0)."""
    body = request.body
    responses = [
        _Topic(
            name=topic.name,
            partition_responses=[_append(state, topic.name, part, body.acks) for part in topic.partition_data],
        )
        for topic in body.topic_data
    ]
    return None if body.acks == 0 else request.answer(responses=responses)


def _append(state: BrokerState, topic: str, part: Any, acks: int) -> Any:
    try:
        require(acks in _ACKS, ErrorCode.INVALID_REQUEST, f"acks={acks}")
        log = state.topics.log(topic, part.index)
        found = batches.split(part.records or b"")
        require(len(found) == 1, ErrorCode.INVALID_RECORD, "a partition takes one batch per request")
        header, data = found[0]
        if header.is_transactional:
            state.transactions.check_batch(topic, part.index, header)
        appended = log.append(header, data)
    except KafkaFailure as failure:
        return _Partition(
            index=part.index,
            error_code=failure.code,
            base_offset=-1,
            log_append_time_ms=-1,
            record_errors=[],
            error_message=failure.message,
        )
    return _Partition(
        index=part.index,
        error_code=0,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.append_time_ms,
        log_start_offset=log.start_offset,
        record_errors=[],
        error_message=None,
    )
