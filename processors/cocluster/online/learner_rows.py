"""Persistence of a learner: the rows that changed, and restoring from rows."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.fitting.edge_store import NONE
from processors.cocluster.online.interaction_memory import InteractionMemory, slots_of
from processors.cocluster.online.ring_memory import Columns, ring_edges
from processors.cocluster.online.state_rows import (
    EDGE,
    STRUCTURE_KEY,
    card_key,
    card_row,
    identity_of,
    read_card,
    read_ring,
    ring_rows,
    user_key,
)


def changed_user_rows(memory: InteractionMemory, gone: Sequence[int]) -> Iterator[tuple[bytes, bytes | None]]:
    """The rows of users whose rings changed; None for those evicted."""
    for identity in gone:
        yield user_key(identity), None
    slots = np.flatnonzero(memory.nodes.user_dirty)
    memory.nodes.user_dirty[slots] = 0
    edges, degree, pool = ring_edges(slots, memory.columns), memory.nodes.degree[slots], memory.pool
    user = np.repeat(np.arange(len(slots)), degree)
    attached = pool.card[edges] != NONE
    frozen = memory.nodes.user_frozen[slots]
    np.add.at(frozen, user[~attached], pool.to_user[edges[~attached]])
    edges, degree = edges[attached], np.bincount(user[attached], minlength=len(slots))
    cards = memory.cards.id_of[pool.card[edges]]  # a detached edge is part of the frozen evidence only
    rows = ring_rows(cards, pool.event_ms[edges], pool.x[edges], degree, frozen)
    for identity, row in zip(memory.users.id_of[slots].tolist(), rows, strict=True):
        yield user_key(identity), row


def changed_card_rows(
    memory: InteractionMemory, moved: IntArray, gone: Sequence[int]
) -> Iterator[tuple[bytes, bytes | None]]:
    """The rows of the cards with the ids `moved`; None for those evicted."""
    for identity in gone:
        yield card_key(identity), None
    for identity, slot in zip(moved, slots_of(memory.cards, moved), strict=True):
        row = card_row(memory.nodes.card_evidence[slot], memory.nodes.card_frozen[slot])
        yield card_key(int(identity)), row


def split_rows(
    rows: Iterable[tuple[bytes, bytes]],
) -> tuple[bytes | None, dict[int, bytes], dict[int, bytes]]:
    """Sort rows by kind: the structure, users by id, cards by id (both ascending)."""
    by_key = dict(rows)
    structure = by_key.pop(STRUCTURE_KEY, None)
    users = {identity_of(key): row for key, row in sorted(by_key.items()) if key[:1] == b"u"}
    cards = {identity_of(key): row for key, row in sorted(by_key.items()) if key[:1] == b"c"}
    return structure, users, cards


def ring_columns(users: dict[int, bytes], user_groups: int) -> tuple[Columns, dict[int, FloatArray]]:
    """Unpack rings into interactions, user by user, and each user's frozen evidence."""
    rings, frozen = {}, {}
    for identity, row in users.items():
        rings[identity], frozen[identity] = read_ring(row, user_groups)
    edges = np.concatenate([np.empty(0, EDGE), *rings.values()])
    user = np.repeat(np.array(list(rings), np.int64), [len(ring) for ring in rings.values()])
    columns = Columns(
        user=user,
        card=np.ascontiguousarray(edges["card"], np.int64),
        x=np.ascontiguousarray(edges["x"], np.float32),
        event_ms=np.ascontiguousarray(edges["event_ms"], np.int64),
    )
    return columns, frozen


def restore_evidence(memory: InteractionMemory, frozen: dict[int, FloatArray], cards: dict[int, bytes]) -> FloatArray:
    """Restore frozen evidence; returns the evidence on every card slot [cards, K]."""
    known = np.zeros_like(memory.nodes.card_evidence)
    for identity, evidence in frozen.items():
        if identity < len(memory.users.slot_of) and (slot := memory.users.slot_of[identity]) != NONE:
            memory.nodes.user_frozen[slot] = evidence
    for identity, row in cards.items():
        if identity < len(memory.cards.slot_of) and (slot := memory.cards.slot_of[identity]) != NONE:
            known[slot], memory.nodes.card_frozen[slot] = read_card(row)
    return known
