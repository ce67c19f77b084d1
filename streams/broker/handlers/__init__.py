"""One function for every request of the protocol that this broker serves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from streams.broker.handlers import (
    cluster_discovery,
    config_admin,
    fetch,
    group_admin,
    membership,
    offsets,
    produce,
    topic_admin,
    transacting,
    transaction_admin,
)
from streams.broker.state import BrokerState
from streams.broker.wire import Request

Handler = Callable[[BrokerState, Request], Awaitable[Any]]

HANDLERS: Mapping[str, Handler] = {
    "Produce": produce.produce,
    "Fetch": fetch.fetch,
    "ListOffsets": offsets.list_offsets,
    "Metadata": cluster_discovery.metadata,
    "OffsetCommit": offsets.offset_commit,
    "OffsetFetch": offsets.offset_fetch,
    "FindCoordinator": cluster_discovery.find_coordinator,
    "JoinGroup": membership.join_group,
    "Heartbeat": membership.heartbeat,
    "LeaveGroup": membership.leave_group,
    "SyncGroup": membership.sync_group,
    "DescribeGroups": group_admin.describe_groups,
    "ListGroups": group_admin.list_groups,
    "ApiVersions": cluster_discovery.api_versions,
    "CreateTopics": topic_admin.create_topics,
    "DeleteTopics": topic_admin.delete_topics,
    "DeleteRecords": topic_admin.delete_records,
    "InitProducerId": transacting.init_producer_id,
    "AddPartitionsToTxn": transacting.add_partitions_to_txn,
    "AddOffsetsToTxn": transacting.add_offsets_to_txn,
    "EndTxn": transacting.end_txn,
    "TxnOffsetCommit": transacting.txn_offset_commit,
    "DescribeConfigs": config_admin.describe_configs,
    "AlterConfigs": config_admin.alter_configs,
    "CreatePartitions": topic_admin.create_partitions,
    "DeleteGroups": group_admin.delete_groups,
    "IncrementalAlterConfigs": config_admin.incremental_alter_configs,
    "OffsetDelete": offsets.offset_delete,
    "DescribeTransactions": transaction_admin.describe_transactions,
    "DescribeCluster": cluster_discovery.describe_cluster,
}
