"""Error responses to requests that are not handled: of the right shape, with one error code in each item."""

from collections.abc import Callable, Mapping
from typing import Any

from streams.broker.protocol_errors import ErrorCode
from streams.broker.wire import RESPONSES, Request

Fields = dict[str, Any]


def _produce(body: Any, code: ErrorCode) -> Fields:
    topic_class = RESPONSES["Produce"].TopicProduceResponse
    item = topic_class.PartitionProduceResponse
    return {
        "responses": [
            topic_class(
                name=topic.name,
                partition_responses=[
                    item(
                        index=part.index,
                        error_code=code,
                        base_offset=-1,
                        record_errors=[],
                        error_message=None,
                    )
                    for part in topic.partition_data
                ],
            )
            for topic in body.topic_data
        ]
    }


def _fetch(body: Any, code: ErrorCode) -> Fields:
    topic_class = RESPONSES["Fetch"].FetchableTopicResponse
    item = topic_class.PartitionData
    return {
        "error_code": 0,
        "session_id": 0,
        "responses": [
            topic_class(
                topic=topic.topic,
                partitions=[
                    item(
                        partition_index=part.partition,
                        error_code=code,
                        high_watermark=-1,
                        aborted_transactions=None,
                        records=b"",
                    )
                    for part in topic.partitions
                ],
            )
            for topic in body.topics
        ],
    }


def _by_partition(api: str, topic_name: str, part_name: str) -> Callable[[Any, ErrorCode], Fields]:
    """For responses with topics and partitions."""

    def fields(body: Any, code: ErrorCode) -> Fields:
        topic_class = getattr(RESPONSES[api], topic_name)
        item = getattr(topic_class, part_name)
        return {
            "topics": [
                topic_class(
                    name=topic.name,
                    partitions=[
                        item(partition_index=part.partition_index, error_code=code) for part in topic.partitions
                    ],
                )
                for topic in body.topics
            ]
        }

    return fields


def _offset_fetch(body: Any, code: ErrorCode) -> Fields:
    topic_class = RESPONSES["OffsetFetch"].OffsetFetchResponseTopic
    item = topic_class.OffsetFetchResponsePartition
    topics = [
        topic_class(
            name=topic.name,
            partitions=[
                item(partition_index=index, committed_offset=-1, metadata="", error_code=code)
                for index in topic.partition_indexes
            ],
        )
        for topic in body.topics or ()
    ]
    return {"topics": topics, "error_code": code}


def _metadata(body: Any, code: ErrorCode) -> Fields:
    item = RESPONSES["Metadata"].MetadataResponseTopic
    topics = [item(error_code=code, name=topic.name, is_internal=False, partitions=[]) for topic in body.topics or ()]
    return {"brokers": [], "cluster_id": None, "controller_id": -1, "topics": topics}


def _add_partitions(body: Any, code: ErrorCode) -> Fields:
    topic_class = RESPONSES["AddPartitionsToTxn"].AddPartitionsToTxnTopicResult
    item = topic_class.AddPartitionsToTxnPartitionResult
    return {
        "results_by_topic_v3_and_below": [
            topic_class(
                name=topic.name,
                results_by_partition=[
                    item(partition_index=index, partition_error_code=code) for index in topic.partitions
                ],
            )
            for topic in body.v3_and_below_topics
        ]
    }


def _join(body: Any, code: ErrorCode) -> Fields:
    return {
        "error_code": code,
        "generation_id": -1,
        "protocol_name": "",
        "leader": "",
        "member_id": body.member_id,
        "members": [],
    }


def _plain(**fields: Any) -> Callable[[Any, ErrorCode], Fields]:
    """For responses with a single, top-level error code."""
    return lambda _, code: {"error_code": code, **fields}


REFUSALS: Mapping[str, Callable[[Any, ErrorCode], Fields]] = {
    "Produce": _produce,
    "Fetch": _fetch,
    "ListOffsets": _by_partition("ListOffsets", "ListOffsetsTopicResponse", "ListOffsetsPartitionResponse"),
    "Metadata": _metadata,
    "OffsetCommit": _by_partition("OffsetCommit", "OffsetCommitResponseTopic", "OffsetCommitResponsePartition"),
    "OffsetFetch": _offset_fetch,
    "FindCoordinator": _plain(error_message=None, node_id=-1, host="", port=-1),
    "JoinGroup": _join,
    "SyncGroup": _plain(assignment=b""),
    "Heartbeat": _plain(),
    "LeaveGroup": _plain(members=[]),
    "InitProducerId": _plain(producer_id=-1, producer_epoch=-1),
    "AddPartitionsToTxn": _add_partitions,
    "AddOffsetsToTxn": _plain(),
    "EndTxn": _plain(),
    "TxnOffsetCommit": _by_partition(
        "TxnOffsetCommit", "TxnOffsetCommitResponseTopic", "TxnOffsetCommitResponsePartition"
    ),
}


def refusal(request: Request, code: ErrorCode) -> Any:
    """A response with `code` in every item; only for APIs in `REFUSALS`."""
    return request.answer(**REFUSALS[request.api](request.body, code))
