"""Fetch: a long poll over partitions, within size limits, committed or not."""

import asyncio
from typing import Any

from streams.broker.log import PartitionLog
from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.state import BrokerState
from streams.broker.wire import RESPONSES, Request

_Topic = RESPONSES["Fetch"].FetchableTopicResponse
_Partition = _Topic.PartitionData
_Aborted = _Partition.AbortedTransaction
_READ_COMMITTED = 1


async def fetch(state: BrokerState, request: Request) -> Any:
    """Respond when `min_bytes` are available, on an error, or after `max_wait_ms`.

    Fetch sessions are not supported: session id 0 makes the client list its partitions in every request.
    """
    body = request.body
    loop = asyncio.get_running_loop()
    deadline = loop.time() + body.max_wait_ms / 1000.0
    arrived = asyncio.Event()
    logs = _watched(state, body)
    for log in logs:
        log.watch(arrived)
    try:
        while True:
            arrived.clear()
            responses, size, has_error = _read_all(state, body)
            remaining = deadline - loop.time()
            if size >= body.min_bytes or has_error or remaining <= 0:
                return request.answer(error_code=0, session_id=0, responses=responses)
            try:
                await asyncio.wait_for(arrived.wait(), remaining)
            except TimeoutError:
                continue
    finally:
        for log in logs:
            log.unwatch(arrived)


def _watched(state: BrokerState, body: Any) -> list[PartitionLog]:
    found = (state.topics.find(topic.topic, part.partition) for topic in body.topics for part in topic.partitions)
    return [log for log in found if log is not None]


def _read_all(state: BrokerState, body: Any) -> tuple[list[Any], int, bool]:
    budget = body.max_bytes
    size = 0
    has_error = False
    responses = []
    for topic in body.topics:
        partitions = []
        for part in topic.partitions:
            try:
                fetched = state.topics.log(topic.topic, part.partition).read(
                    part.fetch_offset,
                    max_bytes=max(0, min(part.partition_max_bytes, budget - size)),
                    committed=body.isolation_level == _READ_COMMITTED,
                    at_least_one=size == 0,
                )
            except KafkaFailure as failure:
                has_error = True
                partitions.append(_failed(part.partition, failure.code))
                continue
            size += len(fetched.data)
            aborted = fetched.aborted
            partitions.append(
                _Partition(
                    partition_index=part.partition,
                    error_code=0,
                    high_watermark=fetched.high_watermark,
                    last_stable_offset=fetched.last_stable_offset,
                    log_start_offset=fetched.start_offset,
                    aborted_transactions=None
                    if aborted is None
                    else [
                        _Aborted(producer_id=entry.producer_id, first_offset=entry.first_offset) for entry in aborted
                    ],
                    records=fetched.data,
                )
            )
        responses.append(_Topic(topic=topic.topic, partitions=partitions))
    return responses, size, has_error


def _failed(partition: int, code: ErrorCode) -> Any:
    return _Partition(
        partition_index=partition, error_code=code, high_watermark=-1, aborted_transactions=None, records=b""
    )
