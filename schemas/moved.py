"""Records of compacted topics that were moved to another partition when the topics grew.

The record is copied to the partition where its key belongs now, and deleted from the old one. Both the copy and the
tombstone have a header that says so: for readers of all partitions nothing has changed.
"""

from collections.abc import Sequence

from schemas.dead_letters import HEADER_PREFIX, Header

HEADER_MOVED = f"{HEADER_PREFIX}moved"
MOVED: Header = (HEADER_MOVED, b"1")


def is_moved(headers: Sequence[Header]) -> bool:
    """Whether a record is such a copy or tombstone.

    >>> is_moved([MOVED]), is_moved([])
    (True, False)
    """
    return any(name == HEADER_MOVED for name, _ in headers)
