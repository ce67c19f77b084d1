"""DescribeTransactions."""

from typing import Any

from streams.broker.protocol_errors import ErrorCode
from streams.broker.state import BrokerState
from streams.broker.transactions import TransactionRecord, TransactionState
from streams.broker.wire import RESPONSES, Request

_Described = RESPONSES["DescribeTransactions"].TransactionState
_Topic = _Described.TopicData


async def describe_transactions(state: BrokerState, request: Request) -> Any:
    """Describe transactional ids: their producers, and the partitions of open transactions."""
    by_id = state.transactions.by_id
    return request.answer(
        transaction_states=[_described(name, by_id.get(name)) for name in request.body.transactional_ids]
    )


def _described(transactional_id: str, record: TransactionRecord | None) -> Any:
    if record is None:
        return _Described(
            error_code=ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
            transactional_id=transactional_id,
            transaction_state="",
            transaction_timeout_ms=0,
            transaction_start_time_ms=-1,
            producer_id=-1,
            producer_epoch=-1,
            topics=[],
        )
    is_open = record.state is TransactionState.ONGOING
    partitions: dict[str, list[int]] = {}
    for topic, partition in record.partitions if is_open else ():
        partitions.setdefault(topic, []).append(partition)
    return _Described(
        error_code=0,
        transactional_id=transactional_id,
        transaction_state=record.state.value,
        transaction_timeout_ms=record.timeout_ms,
        transaction_start_time_ms=record.started_ms if is_open else -1,
        producer_id=record.producer_id,
        producer_epoch=record.epoch,
        topics=[_Topic(topic=topic, partitions=numbers) for topic, numbers in partitions.items()],
    )
