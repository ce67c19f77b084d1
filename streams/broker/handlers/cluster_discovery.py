"""ApiVersions, Metadata, DescribeCluster, FindCoordinator."""

from typing import Any

from streams.broker.protocol_errors import ErrorCode, KafkaFailure
from streams.broker.state import NODE_ID, BrokerState
from streams.broker.topic_registry import Topic
from streams.broker.wire import API_KEYS, RESPONSES, VERSIONS, Request

_Api = RESPONSES["ApiVersions"].ApiVersion
_MetadataBroker = RESPONSES["Metadata"].MetadataResponseBroker
_MetadataTopic = RESPONSES["Metadata"].MetadataResponseTopic
_MetadataPartition = _MetadataTopic.MetadataResponsePartition
_ClusterBroker = RESPONSES["DescribeCluster"].DescribeClusterBroker


async def api_versions(state: BrokerState, request: Request) -> Any:
    """List supported versions; a newer request gets a response of version 0 with error 35."""
    del state
    api_keys = [
        _Api(api_key=API_KEYS[name], min_version=low, max_version=high)
        for name, (low, high) in sorted(VERSIONS.items(), key=lambda item: API_KEYS[item[0]])
    ]
    if not request.supported:
        return RESPONSES["ApiVersions"](version=0, error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=api_keys)
    return request.answer(error_code=0, api_keys=api_keys)


async def metadata(state: BrokerState, request: Request) -> Any:
    """Describe the requested topics, or all."""
    body = request.body
    identity = state.identity
    is_all = body.topics is None or (request.version == 0 and not body.topics)
    names = sorted(state.topics.by_name) if is_all else [topic.name for topic in body.topics]
    may_create = identity.auto_create and (request.version < 4 or body.allow_auto_topic_creation)
    return request.answer(
        brokers=[_MetadataBroker(node_id=NODE_ID, host=identity.host, port=identity.port, rack=None)],
        cluster_id=state.cluster_id,
        controller_id=NODE_ID,
        topics=[_describe_topic(state, name, may_create=may_create) for name in names],
    )


def _describe_topic(state: BrokerState, name: str, *, may_create: bool) -> Any:
    topic = state.topics.by_name.get(name)
    try:
        if topic is None and may_create:
            topic = state.topics.create(name, state.identity.default_partitions, {})
        if topic is None:
            state.topics.check_new(name, 1, {})
            topic = state.topics.get(name)
    except KafkaFailure as failure:
        return _MetadataTopic(error_code=failure.code, name=name, is_internal=False, partitions=[])
    return _MetadataTopic(error_code=0, name=name, is_internal=False, partitions=_describe_partitions(topic))


def _describe_partitions(topic: Topic) -> list[Any]:
    return [
        _MetadataPartition(
            error_code=0,
            partition_index=index,
            leader_id=NODE_ID,
            leader_epoch=0,
            replica_nodes=[NODE_ID],
            isr_nodes=[NODE_ID],
            offline_replicas=[],
        )
        for index in range(len(topic.logs))
    ]


async def describe_cluster(state: BrokerState, request: Request) -> Any:
    """Describe the one node."""
    identity = state.identity
    return request.answer(
        error_code=0,
        error_message=None,
        cluster_id=state.cluster_id,
        controller_id=NODE_ID,
        brokers=[_ClusterBroker(broker_id=NODE_ID, host=identity.host, port=identity.port, rack=None)],
    )


async def find_coordinator(state: BrokerState, request: Request) -> Any:
    """Return the one node, which coordinates all groups and transactions."""
    identity = state.identity
    return request.answer(error_code=0, error_message=None, node_id=NODE_ID, host=identity.host, port=identity.port)
