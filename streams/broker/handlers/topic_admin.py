"""CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords."""

from typing import Any

from streams.broker import topic_config
from streams.broker.protocol_errors import ErrorCode, KafkaFailure, require
from streams.broker.state import BrokerState
from streams.broker.wire import RESPONSES, Request

_Created = RESPONSES["CreateTopics"].CreatableTopicResult
_CreatedConfig = _Created.CreatableTopicConfigs
_Deleted = RESPONSES["DeleteTopics"].DeletableTopicResult
_Grown = RESPONSES["CreatePartitions"].CreatePartitionsTopicResult
_Trimmed = RESPONSES["DeleteRecords"].DeleteRecordsTopicResult
_TrimmedPartition = _Trimmed.DeleteRecordsPartitionResult
_DEFAULT_SOURCE, _TOPIC_SOURCE = 5, 1


async def create_topics(state: BrokerState, request: Request) -> Any:
    """Create topics, or only validate the request."""
    body = request.body
    return request.answer(topics=[_create(state, wanted, validate_only=body.validate_only) for wanted in body.topics])


def _create(state: BrokerState, wanted: Any, *, validate_only: bool) -> Any:
    configs = {config.name: config.value for config in wanted.configs}
    count = _partition_count(state, wanted)
    try:
        is_possible = bool(wanted.assignments) or wanted.replication_factor in (-1, 1)
        require(is_possible, ErrorCode.INVALID_REPLICATION_FACTOR, "there is one node")
        overrides = state.topics.check_new(wanted.name, count, configs)
        if not validate_only:
            state.topics.create(wanted.name, count, configs)
    except KafkaFailure as failure:
        return _Created(
            name=wanted.name,
            error_code=failure.code,
            error_message=failure.message,
            topic_config_error_code=0,
            num_partitions=-1,
            replication_factor=-1,
            configs=None,
        )
    return _Created(
        name=wanted.name,
        error_code=0,
        error_message=None,
        topic_config_error_code=0,
        num_partitions=count,
        replication_factor=1,
        configs=[
            _CreatedConfig(
                name=name,
                value=overrides.get(name, setting.default),
                read_only=False,
                config_source=_TOPIC_SOURCE if name in overrides else _DEFAULT_SOURCE,
                is_sensitive=False,
            )
            for name, setting in topic_config.SETTINGS.items()
        ],
    )


def _partition_count(state: BrokerState, wanted: Any) -> int:
    if wanted.assignments:
        return len(wanted.assignments)
    count: int = wanted.num_partitions
    return state.identity.default_partitions if count == -1 else count


async def delete_topics(state: BrokerState, request: Request) -> Any:
    """Delete topics with their records and committed offsets."""
    responses = []
    for name in request.body.topic_names:
        try:
            state.topics.delete(name)
            state.groups.forget_topic(name)
            code, message = ErrorCode.NONE, None
        except KafkaFailure as failure:
            code, message = failure.code, failure.message
        responses.append(_Deleted(name=name, error_code=code, error_message=message))
    return request.answer(responses=responses)


async def create_partitions(state: BrokerState, request: Request) -> Any:
    """Add partitions to topics."""
    body = request.body
    results = []
    for topic in body.topics:
        try:
            state.topics.grow(topic.name, topic.count, validate_only=body.validate_only)
            code, message = ErrorCode.NONE, None
        except KafkaFailure as failure:
            code, message = failure.code, failure.message
        results.append(_Grown(name=topic.name, error_code=code, error_message=message))
    return request.answer(results=results)


async def delete_records(state: BrokerState, request: Request) -> Any:
    """Move the starts of partitions."""
    topics = []
    for topic in request.body.topics:
        partitions = []
        for part in topic.partitions:
            try:
                low = state.topics.delete_records(topic.name, part.partition_index, part.offset)
                code = ErrorCode.NONE
            except KafkaFailure as failure:
                low, code = -1, failure.code
            partitions.append(
                _TrimmedPartition(partition_index=part.partition_index, low_watermark=low, error_code=code)
            )
        topics.append(_Trimmed(name=topic.name, partitions=partitions))
    return request.answer(topics=topics)
