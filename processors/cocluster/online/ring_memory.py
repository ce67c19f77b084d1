"""Adds interactions one by one to the rings of their users, where each replaces the oldest. Compiled."""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.cocluster.fitting.belief_propagation import Work, meet
from processors.cocluster.fitting.edge_store import NONE, TO_KEEP, TO_PUBLISH, Graph
from processors.cocluster.online.counting import freeze
from processors.cocluster.online.roster import Roster, slot_for
from processors.compiled import borrowing, by_reference, compiled


@by_reference
class Memory(NamedTuple):
    """Rosters of users and cards, and a pool of edges."""

    users: Roster
    cards: Roster
    free: IntArray  # int64 [2]: the first free edge, or NONE; the first edge never used
    ring: int  # maximum number of edges per user
    graph: Graph


@by_reference
class Columns(NamedTuple):
    """Interactions in order."""

    user: IntArray  # int64
    card: IntArray  # int64
    x: FloatArray  # float32, log1p(seconds)
    event_ms: IntArray  # int64


@borrowing
def clear_row(column: FloatArray, row: Index) -> None:
    """Zero a row in a loop: compiling slice assignment takes seconds."""
    for i in range(column.shape[1]):
        column[row, i] = 0.0


@borrowing
def add_row(into: FloatArray, row: Index, column: FloatArray, other: Index) -> None:
    """Add one row to another in a loop, for the same reason."""
    for i in range(into.shape[1]):
        into[row, i] += column[other, i]


@borrowing
def place_of_next(user: Index, memory: Memory, work: Work) -> int:
    """Place of the user's next edge, linked as the newest; NONE if the pool is exhausted.

    In a full ring this is the place of the oldest edge, which is frozen.
    """
    pool, nodes, free = memory.graph.pool, memory.graph.target, memory.free
    newest = nodes.newest[user]
    if nodes.degree[user] == memory.ring:
        edge = np.int64(pool.following[newest])
        freeze(edge, user, memory.graph, work)
        add_row(nodes.user_frozen, user, pool.to_user, edge)
    else:
        edge = free[0]
        if edge == NONE:
            return NONE
        free[0] = pool.following[edge]
        free[1] = max(free[1], edge + 1)
        if newest == NONE:
            pool.following[edge] = edge
        else:
            pool.following[edge] = pool.following[newest]
            pool.following[newest] = edge
        nodes.degree[user] += 1
    nodes.newest[user] = edge
    return int(edge)


@borrowing
def learn_interactions(columns: Columns, start: int, memory: Memory, work: Work) -> int:
    """Add interactions from `start` on; returns the first for which there was no room, or the length.

    Before the first fit, edges are only stored; later each one updates messages and is counted at once.
    """
    pool, nodes = memory.graph.pool, memory.graph.target
    for i in range(start, len(columns.user)):
        card = slot_for(columns.card[i], columns.event_ms[i], memory.cards)
        user = slot_for(columns.user[i], columns.event_ms[i], memory.users)
        if NONE in (card, user):
            return i
        edge = place_of_next(user, memory, work)
        if edge == NONE:
            return i
        pool.card[edge] = card
        pool.x[edge] = columns.x[i]
        pool.event_ms[edge] = columns.event_ms[i]
        clear_row(pool.to_user, edge)
        clear_row(pool.to_card, edge)
        nodes.card_dirty[card] = TO_PUBLISH | TO_KEEP
        nodes.user_dirty[user] = 1
        if work.fitted:
            meet(user, edge, memory.graph, work)
    return len(columns.user)


@borrowing
def retire_users(slots: IntArray, memory: Memory, work: Work) -> None:
    """Free the rings of evicted users; their contributions to cards and blocks remain."""
    pool, nodes, free = memory.graph.pool, memory.graph.target, memory.free
    for user in slots:
        edge = np.int64(nodes.newest[user])
        for _ in range(nodes.degree[user]):
            after = np.int64(pool.following[edge])
            freeze(edge, user, memory.graph, work)
            pool.following[edge] = free[0]
            free[0] = edge
            edge = after
        _clear_user(user, memory)


@borrowing
def withdraw_users(slots: IntArray, memory: Memory, work: Work) -> int:
    """Free the rings of erased users as if their edges had never existed: cards lose their messages, nothing is frozen.

    Returns how many of these edges blocks had counted; blocks must be recounted (`recount`).
    """
    pool, nodes, free = memory.graph.pool, memory.graph.target, memory.free
    taken_back = np.int64(0)
    for user in slots:
        edge = np.int64(nodes.newest[user])
        for _ in range(nodes.degree[user]):
            after, card = np.int64(pool.following[edge]), np.int64(pool.card[edge])
            if work.fitted and card != NONE:
                for k in range(pool.to_card.shape[1]):
                    nodes.card_evidence[card, k] -= pool.to_card[edge, k]
                nodes.card_dirty[card] = TO_PUBLISH | TO_KEEP
                taken_back += 1
            pool.following[edge] = free[0]
            free[0] = edge
            edge = after
        _clear_user(user, memory)
    return int(taken_back)


@borrowing
def _clear_user(user: Index, memory: Memory) -> None:
    nodes = memory.graph.target
    nodes.newest[user] = NONE
    nodes.degree[user] = 0
    nodes.user_dirty[user] = 0
    clear_row(nodes.user_frozen, user)
    clear_row(nodes.user_evidence, user)


@borrowing
def retire_cards(leaving: IntArray, memory: Memory, work: Work) -> None:
    """Detach the edges of evicted cards (`leaving` is 1 or 0 by slot); their messages to users remain."""
    pool, nodes = memory.graph.pool, memory.graph.target
    for user in range(len(nodes.degree)):
        edge = np.int64(nodes.newest[user])
        for _ in range(nodes.degree[user]):
            card = pool.card[edge]
            if card != NONE and leaving[card] == 1:
                freeze(edge, user, memory.graph, work)
                pool.card[edge] = NONE
                nodes.user_dirty[user] = 1
            edge = np.int64(pool.following[edge])
    for card in range(len(leaving)):
        if leaving[card] == 1:
            clear_row(nodes.card_frozen, card)
            clear_row(nodes.card_evidence, card)
            nodes.card_dirty[card] = 0


@compiled
def ring_edges(slots: IntArray, memory: Memory) -> IntArray:
    """Edges of users, each ring from oldest to newest: int64 [sum of degrees]."""
    pool, nodes = memory.graph.pool, memory.graph.target
    total = 0
    for user in slots:
        total += nodes.degree[user]
    edges = np.empty(total, np.int64)
    position = 0
    for user in slots:
        edge = np.int64(nodes.newest[user])
        for _ in range(nodes.degree[user]):
            edge = np.int64(pool.following[edge])
            edges[position] = edge
            position += 1
    return edges
