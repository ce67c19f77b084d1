"""The learner's memory: a bounded pool of edges, linked into one ring per user, and the evidence on each node.

An edge has two messages: to its user about the user's group, [G], and to its card about the card's group, [K], both as
unnormalised logarithms. Everything is allocated once, at its bound; the operating system provides memory only for the
part that is used.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.compiled import by_reference

NONE = -1
TO_PUBLISH, TO_KEEP = 1, 2  # bits of a changed card, one per consumer


@by_reference
class EdgePool(NamedTuple):
    """Columns of edges. `following` links a user's edges in a circle: following[newest] is the oldest."""

    following: IntArray  # int32 [edges]; links the free list too
    card: IntArray  # int32 [edges], slot; NONE once the card has left, while its message to the user remains
    x: FloatArray  # float32 [edges], log1p(seconds)
    event_ms: IntArray  # int64 [edges]
    to_user: FloatArray  # float32 [edges, G]
    to_card: FloatArray  # float32 [edges, K]


@by_reference
class Nodes(NamedTuple):
    """Columns of users and cards. Frozen evidence is the contribution of evicted edges."""

    newest: IntArray  # int32 [users], edge, or NONE
    degree: IntArray  # int32 [users]
    user_frozen: FloatArray  # float32 [users, G]
    user_evidence: FloatArray  # float64 [users, G], evidence of all edges including the frozen part, without the prior
    card_frozen: FloatArray  # float32 [cards, K]
    card_evidence: FloatArray  # float64 [cards, K], including the frozen part, without the prior
    user_dirty: IntArray  # uint8 [users], ring or frozen evidence changed since rows were last written
    card_dirty: IntArray  # uint8 [cards], bits of the consumers that have not read the current evidence


@by_reference
class Graph(NamedTuple):
    """Edges between nodes. Messages to users are computed from `source`; messages to cards are added up in `target`.

    Both are the same nodes, except when messages are restarted: then cards are read as another fit has them, while
    their evidence is collected from zero.
    """

    pool: EdgePool
    source: Nodes
    target: Nodes


def edge_pool(edges: int, user_groups: int, card_groups: int) -> EdgePool:
    """Allocate edges: 20 bytes each, plus four per group of either side."""
    return EdgePool(
        following=np.zeros(edges, np.int32),
        card=np.zeros(edges, np.int32),
        x=np.zeros(edges, np.float32),
        event_ms=np.zeros(edges, np.int64),
        to_user=np.zeros((edges, user_groups), np.float32),
        to_card=np.zeros((edges, card_groups), np.float32),
    )


def nodes(users: int, cards: int, user_groups: int, card_groups: int) -> Nodes:
    """Allocate users and cards without evidence."""
    return Nodes(
        newest=np.full(users, NONE, np.int32),
        degree=np.zeros(users, np.int32),
        user_frozen=np.zeros((users, user_groups), np.float32),
        user_evidence=np.zeros((users, user_groups)),
        card_frozen=np.zeros((cards, card_groups), np.float32),
        card_evidence=np.zeros((cards, card_groups)),
        user_dirty=np.zeros(users, np.uint8),
        card_dirty=np.zeros(cards, np.uint8),
    )
