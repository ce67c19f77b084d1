"""Which topics the console reads, and how; all others are only measured, by their offsets."""

from schemas.topics import TOPICS, Role

HISTORY = ("impressions", "stream-ends", "outcomes")
"""What listeners did lately: read only where that is switched on, from near the end, and skipped where reading falls
behind."""
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
    "experiments",
    *(topic.name for topic in TOPICS.values() if topic.role is Role.DEAD_LETTERS),
)
"""Read record by record: the outputs, what they refer to, and the dead letters.

>>> READ[:3], "outcomes" in READ, "impressions.dlq" in READ
(('catalogue', 'card-groups', 'co-clusters'), False, True)
"""
MEASURED = tuple(topic.name for topic in TOPICS.values() if topic.role is not Role.STATE)
"""Topics whose end is looked at, for rates and lag."""
TAIL_RECORDS = 10_000
"""Of a topic that keeps everything, the newest records of a partition that are read at the start."""
HISTORY_RECORDS, HISTORY_BEHIND = 2_000, 6_000
"""Of a partition of them, the records that are read at the start, and how many may wait before they are skipped."""


def read_topics(*, listener_history: bool) -> tuple[str, ...]:
    """What a console reads, with or without what listeners did.

    >>> set(read_topics(listener_history=True)) - set(read_topics(listener_history=False)) == set(HISTORY)
    True
    """
    return (*READ, *HISTORY) if listener_history else READ


def skipping_to(topic: str, position: int, end: int) -> int:
    """Where to go on reading: near the end, if too much of a history waits; its rates and lag do not need it.

    >>> skipping_to("outcomes", 100, 6_100), skipping_to("outcomes", 100, 6_101), skipping_to("catalogue", 0, 9_999_999)
    (100, 4101, 0)
    """
    return end - HISTORY_RECORDS if topic in HISTORY and end - position > HISTORY_BEHIND else position
