"""What is watched: a quantity, of a subject (a co-cluster, a variant, a group)."""

from typing import NamedTuple

from schemas.monitoring import DriftQuantity

STREAMING_TIME: DriftQuantity = "streaming-time"
EVERYTHING = "all"
"""The subject of quantities that are watched as a whole."""


class Subject(NamedTuple):
    """One thing that is watched; a co-cluster is named `<user_group>.<card_group>`."""

    quantity: DriftQuantity
    name: str

    @property
    def block(self) -> tuple[int, int] | None:
        """The two groups of a co-cluster.

        >>> Subject("streaming-time", "2.3").block, Subject("stream-rate", "control").block
        ((2, 3), None)
        """
        if self.quantity != STREAMING_TIME:
            return None
        user_group, card_group = self.name.split(".")
        return int(user_group), int(card_group)


def of_block(user_group: int, card_group: int) -> Subject:
    """The streaming time of a co-cluster."""
    return Subject(STREAMING_TIME, f"{user_group}.{card_group}")


def belong_together(one: Subject, other: Subject) -> bool:
    """Whether a change of one may show in the other: blocks with the same users or cards, or the same share.

    >>> belong_together(of_block(1, 2), of_block(1, 5)), belong_together(of_block(1, 2), of_block(2, 1))
    (True, False)
    """
    blocks = one.block, other.block
    if blocks[0] is not None and blocks[1] is not None:
        return blocks[0][0] == blocks[1][0] or blocks[0][1] == blocks[1][1]
    return one.quantity == other.quantity
