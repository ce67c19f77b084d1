"""The learner's bounded memory of interactions: rosters of users and cards, and a pool of edges."""

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.cocluster.fitting.belief_propagation import Beliefs, Work, scratch, sweep
from processors.cocluster.fitting.edge_store import NONE, Graph, edge_pool, nodes
from processors.cocluster.model.evidence import softmax
from processors.cocluster.model.soft_groups import Interactions
from processors.cocluster.model.time_bins import STATISTICS
from processors.cocluster.online.counting import recount
from processors.cocluster.online.ring_memory import (
    Columns,
    Memory,
    learn_interactions,
    retire_cards,
    retire_users,
    ring_edges,
    withdraw_users,
)
from processors.cocluster.online.roster import Roster, forget, least_recent, roster, with_room_for
from processors.cocluster.online.settings import LearnerSettings

CORE_DEGREE = 10  # minimum average number of edges per card of the core


def slots_of(known: Roster, ids: IntArray) -> IntArray:
    """Slots of ids; NONE for ids that are not in the roster."""
    within = ids < len(known.slot_of)
    slots: IntArray = np.where(within, known.slot_of[np.where(within, ids, 0)], NONE)
    return slots


class InteractionMemory:
    """Keeps the newest interactions of each user within bounds; counts evictions."""

    def __init__(self, settings: LearnerSettings) -> None:
        user_groups, card_groups = settings.user_groups, settings.card_groups
        self.users, self.cards = roster(settings.max_users), roster(settings.max_cards)
        self.pool = edge_pool(settings.max_edges, user_groups, card_groups)
        self.pool.following[:-1] = np.arange(1, settings.max_edges)
        self.pool.following[-1] = NONE
        self.nodes = nodes(settings.max_users, settings.max_cards, user_groups, card_groups)
        self.free = np.zeros(2, np.int64)
        self.ring = settings.ring
        self.room = scratch(settings.ring, user_groups, card_groups)
        self.frozen: FloatArray = np.zeros((STATISTICS, user_groups, card_groups))  # statistics of evicted edges
        self._departed: tuple[list[IntArray], list[IntArray]] = ([], [])
        self.users_evicted_count = 0
        self.cards_evicted_count = 0

    @property
    def columns(self) -> Memory:
        """The columns used by the compiled loops."""
        return Memory(self.users, self.cards, self.free, self.ring, self.graph)

    @property
    def graph(self) -> Graph:
        """Edges and nodes."""
        return Graph(self.pool, self.nodes, self.nodes)

    def work(self, beliefs: Beliefs, statistics: FloatArray, *, fitted: bool) -> Work:
        """The input of visits; evicted edges are counted into this memory's frozen statistics."""
        return Work(beliefs, self.room, statistics, self.frozen, fitted)

    def take(self, interactions: Columns, work: Work) -> None:
        """Add interactions one by one, evicting the least recently active when there is no room.

        Evictions depend on the sequence of interactions alone, not on how it is divided into batches.
        """
        self.users = with_room_for(self.users, interactions.user)
        self.cards = with_room_for(self.cards, interactions.card)
        done = 0
        while done < len(interactions.user):
            done = learn_interactions(interactions, done, self.columns, work)
            if done < len(interactions.user):
                self._make_room(work)

    def _make_room(self, work: Work) -> None:
        if self.users.free_count[0] == 0 or self.free[0] == NONE:
            slots = least_recent(self.users)
            retire_users(slots, self.columns, work)
            self._departed[0].append(forget(self.users, slots))
            self.users_evicted_count += len(slots)
        if self.cards.free_count[0] == 0:
            slots = least_recent(self.cards)
            leaving = np.zeros(len(self.cards.id_of), np.uint8)
            leaving[slots] = 1
            retire_cards(leaving, self.columns, work)
            self._departed[1].append(forget(self.cards, slots))
            self.cards_evicted_count += len(slots)

    def withdraw_user(self, user: int, work: Work) -> int:
        """Erase one user and take back its current edges; returns how many of these the blocks had counted.

        The contribution of edges evicted from the ring before remains, as part of sums that no longer identify users.
        """
        slots = slots_of(self.users, np.array([user], np.int64)).astype(np.int64)
        if slots[0] == NONE:
            return 0
        taken_back = withdraw_users(slots, self.columns, work)
        self._departed[0].append(forget(self.users, slots))
        return taken_back

    def pass_messages(self, beliefs: Beliefs) -> FloatArray:
        """Update all messages; returns the statistics of all edges, including evicted ones."""
        counted = self.frozen.copy()
        sweep(self.graph, self.work(beliefs, counted, fitted=True))
        return counted

    def restart_messages(self, known: FloatArray, beliefs: Beliefs) -> None:
        """Restart messages from cards as `known` [card slots, K], and collect their evidence again."""
        self.pool.to_card[: self.free[1]] = 0.0
        self.nodes.card_evidence[:] = self.nodes.card_frozen
        source = self.nodes._replace(card_evidence=known)
        work = self.work(beliefs, np.zeros(self.frozen.shape), fitted=True)
        sweep(self.graph._replace(source=source), work)

    def recounted(self, beliefs: Beliefs) -> FloatArray:
        """Statistics of all edges, including evicted ones, with messages unchanged."""
        counted = self.frozen.copy()
        recount(self.graph, self.work(beliefs, counted, fitted=True))
        return counted

    def edges_count(self) -> int:
        """Number of interactions in memory."""
        return int(self.nodes.degree.sum())

    def user_slots(self) -> IntArray:
        """Slots of the known users."""
        return np.flatnonzero(self.users.id_of != NONE)

    def card_slots(self) -> IntArray:
        """Slots of the known cards."""
        return np.flatnonzero(self.cards.id_of != NONE)

    def sample(self, edges_max: int, rng: np.random.Generator) -> tuple[Interactions, IntArray, IntArray]:
        """All edges, or the densest core of up to `edges_max`; with the slots of its users and cards.

        A core, because structure shows where nodes have many edges: in a random sample of a sparse table of 900,000
        cards, cards have hardly any. The core is biased towards active users; whatever is adopted is swept over all
        edges.
        """
        slots = self.user_slots()
        edges = ring_edges(slots, self.columns)
        user = np.repeat(np.arange(len(slots)), self.nodes.degree[slots])
        kept = self.pool.card[edges] != NONE
        if len(edges) > edges_max:
            kept &= self._core(user, self.pool.card[edges], edges_max, rng)
        edges = edges[kept]
        users, user = np.unique(user[kept], return_inverse=True)
        cards, card = np.unique(self.pool.card[edges], return_inverse=True)
        data = Interactions(user, card, self.pool.x[edges], len(users), len(cards))
        return data, slots[users], cards

    @staticmethod
    def _core(user: IntArray, card: IntArray, edges_max: int, rng: np.random.Generator) -> BoolArray:
        """Select the edges between the most frequent cards and the users with most of these; random ties."""
        met = np.bincount(np.maximum(card, 0), card >= 0)
        often = np.zeros(len(met), np.bool_)
        often[np.argsort(-met, kind="stable")[: max(edges_max // CORE_DEGREE, 1)]] = True
        score = np.bincount(user, often[card])
        by_chance = rng.permutation(len(score))
        order = by_chance[np.argsort(-score[by_chance], kind="stable")]
        chosen = np.zeros(len(score), np.bool_)
        chosen[order[np.cumsum(score[order]) <= edges_max]] = True
        core: BoolArray = chosen[user] & often[card]
        return core

    def take_dirty_cards(self, bit: int) -> IntArray:
        """Slots of cards whose evidence changed since this consumer's last call; clears its bit."""
        slots = np.flatnonzero(self.nodes.card_dirty & bit)
        self.nodes.card_dirty[slots] &= 0xFF ^ bit
        return slots

    def departed(self) -> tuple[list[int], list[int]]:
        """Ids of users and of cards that were evicted since the last call and have not returned."""
        users, cards = (np.unique(np.concatenate([np.empty(0, np.int64), *ids])) for ids in self._departed)
        self._departed = ([], [])
        gone_users, gone_cards = users[self.users.slot_of[users] == NONE], cards[self.cards.slot_of[cards] == NONE]
        return gone_users.tolist(), gone_cards.tolist()

    def carry_over(self, user_overlap: FloatArray, card_overlap: FloatArray) -> None:
        """Express the statistics of evicted edges in new groups; rows are P(new | old) of both sides."""
        sides = ((self.nodes.user_frozen, user_overlap), (self.nodes.card_frozen, card_overlap))
        for frozen, shares in sides:
            some = frozen.any(axis=1)
            frozen[some] = np.log(softmax(frozen[some]) @ shares + 1e-9)
        self.nodes.user_dirty[self.nodes.user_frozen.any(axis=1)] = 1
        self.frozen[:] = user_overlap.T @ self.frozen @ card_overlap
