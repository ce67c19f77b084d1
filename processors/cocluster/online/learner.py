"""The online learner: learns from interactions as they arrive, keeps co-clusters current, and rethinks at intervals.

Theory of operation. There is no model until `warmup_events` interactions have arrived. Then a batch fit
(`global_moves`) finds the groups, and from then on every interaction updates the messages around its user at once
(`ring_memory`). Three schedules, all counted in events, do the rest: a *refresh* updates the blocks from the running
statistics; a *sweep* updates all messages and counts the blocks exactly; *rethinking* fits a bounded sample from
scratch, and by split and merge from the current groups, and adopts the result only if it explains the sample better;
intervals grow while it finds nothing. The result depends on the sequence of interactions and the seed, never on how the
sequence is divided into batches.
"""

from collections.abc import Iterable

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.cocluster.fitting.belief_propagation import Beliefs
from processors.cocluster.fitting.edge_store import TO_KEEP, TO_PUBLISH
from processors.cocluster.fitting.global_moves import STUCK, stuck_promise
from processors.cocluster.fitting.matching import transition
from processors.cocluster.fitting.message_passing import beliefs_of
from processors.cocluster.model.block_model import BlockModel
from processors.cocluster.model.evidence import log_softmax, softmax
from processors.cocluster.model.soft_groups import SoftGroups, group_prior, soft_groups
from processors.cocluster.model.time_bins import COUNT
from processors.cocluster.online.card_watch import CardWatch
from processors.cocluster.online.drift_reaction import DriftReaction
from processors.cocluster.online.interaction_memory import InteractionMemory, slots_of
from processors.cocluster.online.learner_rows import (
    changed_card_rows,
    changed_user_rows,
    restore_evidence,
    ring_columns,
    split_rows,
)
from processors.cocluster.online.learner_state import LearnerState
from processors.cocluster.online.rethinking import better_structure, first_structure, kept_shares, overlaps
from processors.cocluster.online.ring_memory import Columns
from processors.cocluster.online.settings import LearnerSettings
from processors.cocluster.online.state_rows import STRUCTURE_KEY, Structure

SPAWN_KEY = 0x6C6561726E  # "learn"
SETTLING_SWEEPS = 3


class CoClusterLearner:
    """Learns the blocks and both sides' soft groups from a stream of interactions.

    >>> learner = CoClusterLearner(LearnerSettings(warmup_events=100), seed=1)
    >>> learner.ready
    False
    """

    def __init__(self, settings: LearnerSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        self.memory = InteractionMemory(settings)
        self.state = LearnerState.blank(settings.user_groups, settings.card_groups)
        self._published = CardWatch(settings.max_cards, settings.card_groups)
        self._kept = CardWatch(settings.max_cards, 2 * settings.card_groups)
        self._snapshot: tuple[tuple[int, int], BlockModel] | None = None
        self._recount_due = False
        self.drift = DriftReaction(settings)
        self.forgotten: tuple[list[int], list[int]] = ([], [])  # ids of users and cards whose rows were deleted
        self._beliefs = self.renewed_beliefs()

    @property
    def ready(self) -> bool:
        """Whether the warm-up is over and there is a model."""
        return self.state.ready

    @property
    def knows(self) -> tuple[int, int]:
        """Number of interactions learned and number withdrawn: the pair changes whenever the model does."""
        return self.state.events_count, self.state.withdrawn_count

    @property
    def user_overlap(self) -> FloatArray:
        """Rows P(new | old) [G, G] of the last change of generation, for carrying over statistics per group."""
        return self.state.user_overlap

    @property
    def card_overlap(self) -> FloatArray:
        """Rows P(new | old) [K, K] of the last change of generation."""
        return self.state.card_overlap

    def learn(self, user: IntArray, card: IntArray, seconds: FloatArray, event_ms: IntArray) -> None:
        """Learn interactions in order: dense ids assigned by the caller, streamed seconds, event times in ms."""
        x = np.log1p(np.asarray(seconds, dtype=np.float64)).astype(np.float32)
        user, card, event_ms = (np.ascontiguousarray(a, dtype=np.int64) for a in (user, card, event_ms))
        self._recount_if_due()
        state, done = self.state, 0
        while done < len(user):
            until = min(len(user), done + self._next_stop() - state.events_count)
            part = slice(done, until)
            work = self.memory.work(self._beliefs, state.statistics, fitted=state.ready)
            self.memory.take(Columns(user[part], card[part], x[part], event_ms[part]), work)
            state.events_count += until - done
            state.now_ms = max(state.now_ms, int(event_ms[part].max()))
            done = until
            self._on_schedule()

    def withdraw(self, user: int) -> None:
        """Erase a user on request: the contribution of the current edges is taken out of blocks and cards."""
        before = self.state.withdrawn_count
        work = self.memory.work(self._beliefs, self.state.statistics, fitted=self.ready)
        self.state.withdrawn_count += self.memory.withdraw_user(user, work)
        self._recount_due |= self.state.withdrawn_count > before

    def _recount_if_due(self) -> None:
        """Recount the blocks after withdrawals, once for all of them, before anything is learned or published.

        An edge was counted by its belief at that time, so its part cannot be subtracted. Ages are those of the last
        sweep, when the statistics of evicted edges were aged as well.
        """
        if self._recount_due:
            self._recount_due = False
            self.state.statistics = self.memory.recounted(self._beliefs._replace(now_ms=self.state.swept_ms))

    def _next_stop(self) -> int:
        step = self.settings.refresh_events if self.ready else self.settings.warmup_events
        return (self.state.events_count // step + 1) * step

    def _on_schedule(self) -> None:
        settings, state = self.settings, self.state
        if state.events_count % (settings.refresh_events if state.ready else settings.warmup_events):
            return
        since = state.events_count - state.rethought_at
        growth = settings.rethink_growth ** (1 + min(state.fruitless_count, 10))
        due = min((growth - 1.0) * state.rethought_at, settings.rethink_events_max)
        if not state.ready or since >= due or self.drift.rethink_due:
            self.rethink()
        elif state.events_count - state.swept_at >= settings.sweep_share * self.memory.edges_count():
            self.sweep()
            if self.stuck():
                state.stuck_count += 1
                self.rethink()
        else:
            self._beliefs = self.renewed_beliefs()

    def renewed_beliefs(self) -> Beliefs:
        """Set current blocks and priors as the basis of messages."""
        state, half_life_ms = self.state, self.drift.half_life_ms
        return beliefs_of(
            state.statistics,
            state.user_prior,
            state.card_prior,
            decay_per_ms=float(np.log(2.0)) / half_life_ms if half_life_ms else 0.0,
            now_ms=state.now_ms,
        )

    def sweep(self) -> None:
        """Update all messages, count the blocks exactly, update blocks and priors."""
        memory, state = self.memory, self.state
        if self.drift.half_life_ms:
            memory.frozen *= 0.5 ** ((state.now_ms - state.swept_ms) / self.drift.half_life_ms)
        state.statistics = memory.pass_messages(self.renewed_beliefs())
        state.user_prior = group_prior(self._user_groups(memory.user_slots()))
        state.card_prior = group_prior(self._card_groups(memory.card_slots()))
        state.swept_at, state.swept_ms = state.events_count, state.now_ms
        self._beliefs = self.renewed_beliefs()

    def stuck(self) -> bool:
        """Whether a split/merge promises a better structure, judged by counts on a bounded sample."""
        settings, state = self.settings, self.state
        if not settings.stuck_test or state.events_count < state.stuck_test_after:
            return False
        data, users, cards = self.memory.sample(settings.stuck_sample_edges, self._random())
        groups = soft_groups(data, self._user_groups(users), self._card_groups(cards))
        return stuck_promise(data, groups) > STUCK

    def _random(self) -> np.random.Generator:
        """An independent random stream for each occasion."""
        key = (SPAWN_KEY, self.state.events_count, self.state.rethought_count)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def rethink(self) -> None:
        """Fit or rearrange a sample of the memory, and adopt a better structure, or double the stuck tests' rest."""
        settings, state = self.settings, self.state
        self.drift.rethink_due = False
        rng = self._random()
        data, users, cards = self.memory.sample(settings.rethink_sample_edges, rng)
        if state.ready:
            current = soft_groups(data, self._user_groups(users), self._card_groups(cards))
            groups, won = better_structure(data, current, settings, rng)
            state.fruitless_count = 0 if won else state.fruitless_count + 1
            if won:
                self._note_swap(current, groups)
        else:
            groups = first_structure(data, settings, rng)
            state.ready, state.generation = True, 1
        self._adopt(groups, cards)
        if state.rethought_count == 0:
            state.unplaced_count = round(state.events_count - float(state.statistics[COUNT].sum()))
        state.rethought_at = state.events_count
        state.rethought_count += 1
        rest = settings.stuck_rest_share * state.events_count * 2.0 ** min(state.fruitless_count, 10)
        state.stuck_test_after = state.events_count + int(rest)

    def _note_swap(self, current: SoftGroups, better: SoftGroups) -> None:
        """Count an adoption; groups that really differ are a new generation, with the overlap to the old one."""
        state = self.state
        state.swapped_count += 1
        if kept_shares(current, better) < self.settings.same_groups_share:
            state.generation += 1
            state.user_overlap, state.card_overlap = map(transition, overlaps(current, better))
            self.memory.carry_over(state.user_overlap, state.card_overlap)

    def _adopt(self, groups: SoftGroups, cards: IntArray) -> None:
        """Restart all messages from the blocks of a fit and its groups of some cards."""
        state = self.state
        state.statistics = groups.statistics
        state.user_prior, state.card_prior = group_prior(groups.user), group_prior(groups.card)
        known = np.zeros_like(self.memory.nodes.card_evidence)
        known[cards] = np.log(np.maximum(groups.card, 1e-12) / state.card_prior)
        self.memory.restart_messages(known, self.renewed_beliefs())
        for _ in range(SETTLING_SWEEPS):
            self.sweep()

    def _user_groups(self, slots: IntArray) -> FloatArray:
        return softmax(self.memory.nodes.user_evidence[slots] + np.log(self.state.user_prior))

    def _card_groups(self, slots: IntArray) -> FloatArray:
        return softmax(self.memory.nodes.card_evidence[slots] + np.log(self.state.card_prior))

    def model(self) -> BlockModel:
        """The current snapshot; its version rises if anything was learned since the last one."""
        state = self.state
        assert state.ready, "no model before the warm-up is over"
        self._recount_if_due()
        if self._snapshot is None or self._snapshot[0] != self.knows:
            state.version += 1
            self._snapshot = (self.knows, state.model())
        return self._snapshot[1]

    def streaming_sums(self) -> FloatArray:
        """A copy of the statistics of all blocks: float64 [STATISTICS, G, K], rows of `time_bins`."""
        self._recount_if_due()
        return self.state.statistics.copy()

    def card_logits(self, cards: IntArray) -> FloatArray:
        """Log probabilities [n, K] of the groups of cards; the prior for an unknown card."""
        slots = slots_of(self.memory.cards, cards)
        evidence = np.where(slots[:, None] >= 0, self.memory.nodes.card_evidence[slots], 0.0)
        return log_softmax(evidence + np.log(self.state.card_prior))

    def user_groups(self, users: IntArray) -> FloatArray:
        """Soft groups [n, G] of users; the prior for an unknown user."""
        slots = slots_of(self.memory.users, users)
        evidence = np.where(slots[:, None] >= 0, self.memory.nodes.user_evidence[slots], 0.0)
        return softmax(evidence + np.log(self.state.user_prior))

    def changed_cards(self) -> IntArray:
        """Ids of cards whose log probabilities have moved notably since they were last returned."""
        slots = self.memory.take_dirty_cards(TO_PUBLISH)
        identities = self.memory.cards.id_of[slots]
        changed: IntArray = identities[self._published.moved(identities, slots, self.card_logits(identities))]
        return changed

    def _cards_to_keep(self) -> IntArray:
        """Ids of cards whose groups, or whose frozen evidence, moved since the last call; marks them as written."""
        slots = self.memory.take_dirty_cards(TO_KEEP)
        identities = self.memory.cards.id_of[slots]
        logits = np.hstack((self.card_logits(identities), log_softmax(self.memory.nodes.card_frozen[slots])))
        moved: IntArray = identities[self._kept.moved(identities, slots, logits)]
        return moved

    def rows_changed(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Keyed rows that changed since the last call; None deletes a row.

        Cards are written when they move notably. The structure is a single row, always written.
        """
        self._recount_if_due()
        self.forgotten = self.memory.departed()
        yield from changed_user_rows(self.memory, self.forgotten[0])
        moved = self._cards_to_keep() if self.ready else np.empty(0, np.int64)
        yield from changed_card_rows(self.memory, moved, self.forgotten[1])
        yield STRUCTURE_KEY, self.state.structure(self.memory.frozen).row()

    @classmethod
    def restore(cls, settings: LearnerSettings, seed: int, rows: Iterable[tuple[bytes, bytes]]) -> "CoClusterLearner":
        """Restore a learner from its rows: rings are added again, messages restart from the groups of cards."""
        learner = cls(settings, seed)
        structure, users, cards = split_rows(rows)
        if structure is None:
            return learner
        memory = learner.memory
        columns, frozen = ring_columns(users, settings.user_groups)
        memory.take(columns, memory.work(learner._beliefs, learner.state.statistics, fitted=False))
        learner.state, memory.frozen[:] = LearnerState.from_structure(Structure.read(structure))
        known = restore_evidence(memory, frozen, cards)
        if learner.ready:
            memory.restart_messages(known, learner.renewed_beliefs())
            for _ in range(SETTLING_SWEEPS):
                memory.pass_messages(learner.renewed_beliefs())
            learner._beliefs = learner.renewed_beliefs()
            learner._cards_to_keep()
        memory.nodes.user_dirty[:] = 0
        return learner
