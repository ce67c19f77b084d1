"""Where time goes, as stages of an event's way: the first row that a call stack meets, from the inside out."""

from types import FrameType

IDLE, OTHER = "idle", "event loop and Faust"

# the part of a path that marks a stage, the function (any, where empty), the stage; the first that fits wins
STAGES = (
    ("/selectors.py", "", IDLE),
    ("/concurrent/futures/", "", IDLE),
    ("/schemas/codec.py", "encode", "encode"),
    ("/schemas/codec.py", "", "decode"),
    ("/streams/tasks/intake.py", "", "decode"),
    ("/streams/tasks/routing.py", "", "encode"),
    ("/streams/tasks/broadcast.py", "broadcast", "decode"),
    ("/processors/settlement/rows.py", "", "state rows"),
    ("/processors/settlement/", "", "settle"),
    ("/processors/ranking/", "", "rank"),
    ("/processors/policies/", "", "rank"),
    ("/processors/engagement_sums.py", "", "engagement"),
    ("/processors/engagement_monitor.py", "", "engagement"),
    ("/processors/drift/", "", "engagement"),
    ("/processors/listeners.py", "_due_pages", "rank"),
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
    """Name the stage that a call stack is in, from its innermost frame outwards.

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
