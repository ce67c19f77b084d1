"""Assigns call stacks to processing stages, by the first matching row from the innermost frame outwards."""

from types import FrameType

IDLE, OTHER = "idle", "event loop and Faust"

# part of a path, function (empty for any), stage; the first match wins
STAGES = (
    ("/selectors.py", "", IDLE),
    ("/concurrent/futures/", "", IDLE),
    ("/schemas/codec.py", "encode", "encode"),
    ("/schemas/codec.py", "", "decode"),
    ("/streams/tasks/intake.py", "", "decode"),
    ("/streams/tasks/routing.py", "", "encode"),
    ("/streams/tasks/broadcast.py", "broadcast", "decode"),
    ("/processors/metrics/", "", "metrics"),
    ("/processors/settlement/state/rows.py", "", "state rows"),
    ("/processors/settlement/", "", "settle"),
    ("/processors/ranking/", "", "rank"),
    ("/processors/policies/", "", "rank"),
    ("/processors/engagement_sums.py", "", "engagement"),
    ("/processors/engagement_monitor.py", "", "engagement"),
    ("/processors/drift/", "", "engagement"),
    ("/processors/listener_ranking.py", "", "rank"),
    ("/processors/listeners.py", "", "settle"),
    ("/processors/cards.py", "changed_rows", "state rows"),
    ("/processors/cards.py", "", "card statistics"),
    ("/processors/bandit/", "", "card statistics"),
    ("/processors/cocluster/", "", "co-clusters"),
    ("/processors/learner.py", "", "co-clusters"),
    ("/streams/exactly_once/transactions/writer.py", "", "produce and commit"),
    ("/aiokafka/producer/", "", "produce and commit"),
    ("/streams/exactly_once/partitions/broadcast_reader.py", "", "broadcast topics"),
    ("/streams/exactly_once/consumer/transport.py", "", "fetch"),
    ("/aiokafka/consumer/", "", "fetch"),
)


def stage_of(frame: FrameType | None) -> str:
    """The stage of a call stack.

    >>> import sys
    >>> stage_of(sys._getframe())
    'event loop and Faust'
    """
    while frame is not None:
        path, function = frame.f_code.co_filename, frame.f_code.co_name
        for part, name, stage in STAGES:
            if part in path and (not name or name == function):
                return stage
        frame = frame.f_back
    return OTHER
