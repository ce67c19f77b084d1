"""Which topics the console reads, and how; all others are only measured, by their offsets."""

from schemas.topics import TOPICS, Role

HISTORY = ("impressions", "stream-ends", "outcomes")
"""What listeners did lately: read from near the end, and skipped where reading falls behind."""
READ = (
    "catalogue",
    "card-groups",
    "co-clusters",
    "shelf-rankings",
    "drift-incidents",
    "engagement-metrics",
    "policy-values",
    "experiment-decisions",
    "metric-alarms",
    *HISTORY,
    *(topic.name for topic in TOPICS.values() if topic.role is Role.DEAD_LETTERS),
)
"""Read record by record: the outputs, what they refer to, and the dead letters.

>>> READ[:3], "interactions" in READ, "impressions.dlq" in READ
(('catalogue', 'card-groups', 'co-clusters'), False, True)
"""
MEASURED = tuple(topic.name for topic in TOPICS.values() if topic.role is not Role.STATE)
"""Topics whose end is looked at, for rates and lag."""
HISTORY_RECORDS, HISTORY_BEHIND = 2_000, 6_000
"""Of a partition of them, the records that are read at the start, and how many may wait before they are skipped."""
TAIL_RECORDS = 10_000
"""Of a topic that keeps everything, the newest records of a partition that are read at the start."""
