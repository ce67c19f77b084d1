"""Groups alerts into incidents: a change shows in neighbouring blocks too, because streams are shared among them."""

from msgspec import Struct

from processors.drift.block_monitor import Change

Block = tuple[int, int]


class Incident(Struct, array_like=True):
    """A change in progress: its blocks, the one that explains most first, and the time of its newest alert."""

    incident_id: str
    blocks: list[Block]
    falls: bool
    heard_ms: int


def are_neighbours(one: Block, other: Block) -> bool:
    """Whether two blocks share their users or their cards.

    >>> are_neighbours((1, 2), (1, 5)), are_neighbours((1, 2), (2, 1))
    (True, False)
    """
    return one[0] == other[0] or one[1] == other[1]


def joined(incidents: list[Incident], block: Block, change: Change, alert_id: str, open_ms: int) -> str:
    """The incident of a change: an open one with a neighbouring block and the same direction, else a new one.

    Simultaneous changes of neighbouring blocks may therefore become one incident. An incident without an alert for
    `open_ms` is closed and removed from the list.

    >>> from processors.drift.change_size import Size
    >>> fell = Change("page-hinkley", 100, 9, Size(90, -1.0, -1.5, -0.5, -6.0, 5.0)); open_incidents = []
    >>> [joined(open_incidents, block, fell, f"of {block}", 50) for block in ((0, 1), (0, 2), (3, 3))]
    ['of (0, 1)', 'of (0, 1)', 'of (3, 3)']
    """
    incidents[:] = [one for one in incidents if change.bucket_ms - one.heard_ms <= open_ms]
    falls = change.size.size < 0.0
    for one in incidents:
        if one.falls == falls and any(are_neighbours(member, block) for member in one.blocks):
            one.heard_ms = change.bucket_ms
            one.blocks.append(block)
            return one.incident_id
    incidents.append(Incident(alert_id, [block], falls, change.bucket_ms))
    return alert_id
