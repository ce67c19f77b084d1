"""A burst of injected faults of the embedded broker: error codes, latency, lost responses, closed connections."""

from streams.broker.faults import FaultPlan
from streams.broker.protocol_errors import ErrorCode

RULES = (
    ("Produce", "error", 0.05, ErrorCode.NOT_LEADER_OR_FOLLOWER, 0.0),
    ("Produce", "drop_ack", 0.002, ErrorCode.NONE, 0.0),
    ("Fetch", "error", 0.05, ErrorCode.NOT_LEADER_OR_FOLLOWER, 0.0),
    ("Fetch", "latency", 0.10, ErrorCode.NONE, 300.0),
    ("EndTxn", "error", 0.10, ErrorCode.COORDINATOR_NOT_AVAILABLE, 0.0),
    ("EndTxn", "drop_ack", 0.01, ErrorCode.NONE, 0.0),
    ("TxnOffsetCommit", "error", 0.05, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 0.0),
    ("AddPartitionsToTxn", "error", 0.10, ErrorCode.CONCURRENT_TRANSACTIONS, 0.0),
    ("Heartbeat", "error", 0.05, ErrorCode.COORDINATOR_NOT_AVAILABLE, 0.0),
    ("*", "latency", 0.02, ErrorCode.NONE, 100.0),
    ("*", "disconnect_before", 0.004, ErrorCode.NONE, 0.0),
    ("*", "disconnect_after", 0.004, ErrorCode.NONE, 0.0),
)


def begin_burst(plan: FaultPlan) -> None:
    """Inject faults until `plan.clear()`, including outdated offsets for a while.

    >>> plan = FaultPlan(seed=1); begin_burst(plan)
    """
    plan.hold_offsets()
    for api, kind, probability, code, latency_ms in RULES:
        plan.inject(api=api, kind=kind, probability=probability, code=code, latency_ms=latency_ms)
