"""Records on their way to the partition that their key has moved to since the topics grew.

A producer that has not heard of new partitions yet goes on to use the old ones. What lies where its key belonged under
an earlier number of partitions is forwarded by the task that reads it, unchanged, with one more header; and with it how
far that task has come, so that the other settles nothing too early.
"""

from collections.abc import Sequence

from msgspec import Struct

from schemas.dead_letters import HEADER_PREFIX, Header
from schemas.fields import Count

FORWARDED = "forwarded"
HEADER_FORWARDED = f"{HEADER_PREFIX}forwarded"
PROGRESS = "progress"
"""Value of that header of a record that is not a client's but a `ReadProgress`."""


class ReadProgress(Struct, frozen=True, kw_only=True, tag="read-progress.v1", tag_field="type"):
    """How far a partition has been read from which records are forwarded; what lies before has been forwarded earlier.

    An idle one holds up nothing; from the last one on no more is awaited, although what comes is still forwarded.
    """

    partition: Count
    watermark_ms: int
    is_idle: bool = False
    is_last: bool = False


def with_topic(headers: Sequence[Header], topic: str) -> tuple[Header, ...]:
    """The headers of a record, and after them the topic that it is forwarded from.

    >>> topic_in(with_topic([("trace", b"7")], "impressions"))
    'impressions'
    """
    return (*headers, (HEADER_FORWARDED, topic.encode()))


def topic_in(headers: Sequence[Header]) -> str | None:
    """The topic that a record was forwarded from; `PROGRESS` if it is none; None if the header is missing."""
    found = (value for name, value in reversed(headers) if name == HEADER_FORWARDED and value is not None)
    return next((value.decode(errors="replace") for value in found), None)
