"""The learner task: from interactions to co-clusters, thresholds, labels and card groups."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray, IntArray
from processors.cocluster.model.labels import CardGroupLabel, label_card_groups
from processors.cocluster.model.signatures import signature_matrix
from processors.cocluster.online.learner import CoClusterLearner
from processors.cocluster.online.settings import LearnerSettings
from processors.drift.open_incidents import OpenIncidents
from processors.group_names import GroupNames
from processors.interner import Interner
from processors.rewards.published_times import as_published, published_times
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.streaming_times import StreamingTimes
from processors.settlement.state.rows import Row
from processors.wire.interactions import InteractionColumns, interactions_of
from schemas.catalogue import CatalogueCard
from schemas.interactions import Interactions
from schemas.learning import CardGroup, CardGroupName, CoClusters, Matrix
from schemas.monitoring import DriftIncident

_LEARNED = b"m/"


class Learner:
    """Owns the structure of the co-clusters: one task, on one partition, for all sampled users."""

    def __init__(self, settings: LearnerSettings, rewards: Sequence[str], seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.rewards = [reward_named(name, seed) for name in rewards]
        self.learner = CoClusterLearner(settings, seed)
        self.users, self.cards = Interner(b"u/"), Interner(b"c/")
        self.names = GroupNames()
        self.catalogue: dict[str, CatalogueCard] = {}
        self.counters: Counter[str] = Counter()
        self.newest_ms = 0
        self._written_count = 0
        self._incidents = OpenIncidents()
        self._published: tuple[int, tuple[int, int]] = (0, (-1, 0))
        self._withdrawn: set[str] = set()

    def put_card(self, card_id: str, card: CatalogueCard | None) -> None:
        """Apply a card of the catalogue, for labels; None withdraws it."""
        if card is None:
            self.catalogue.pop(card_id, None)
        else:
            self.catalogue[card_id] = card

    def put_name(self, key: str, message: CardGroupName | None) -> None:
        """Apply an editor's name of a card group, or remove it (None); it appears with the next publication."""
        self.names.put(key, message, self.learner.state.generation)

    def put_incidents(self, messages: Iterable[tuple[str, DriftIncident | None]]) -> None:
        """Apply messages on drift; the learner may act on what is in progress after the last of them."""
        for incident_id, incident in messages:
            self._incidents.put(incident_id, incident)
        self.learner.drift.note(self._incidents.severe_since_ms, self.learner.state)

    def interactions(self, messages: Sequence[Interactions]) -> None:
        """Learn from interactions, in order."""
        self.learn(interactions_of(messages))

    def learn(self, columns: InteractionColumns) -> None:
        """Learn from interactions in columns, in order."""
        event_ms = columns.event_ms
        if not len(event_ms):
            return
        self.newest_ms = max(self.newest_ms, int(event_ms.max()))
        self.learner.learn(
            self.users.ids_in(columns.data, columns.user_id),
            self.cards.ids_in(columns.data, columns.card_id),
            columns.played_ms / 1_000.0,
            event_ms,
        )
        self.names.follow(self.learner.state.generation, self.learner.card_overlap)

    def forget(self, user_id: str) -> None:
        """Erase a user on request: their streams, what blocks and cards learned from these, and their name."""
        user = self.users.find(user_id)
        if user is not None:
            self.learner.withdraw(user)  # the number is released with the rows
            self._written_count = -1  # there are changes to publish, though nothing was learned
            self.counters["users_forgotten"] += 1

    def publish(self) -> list[Struct]:
        """The co-clusters and changed card groups, if anything was learned or withdrawn since."""
        now = (self.learner.state.generation, self.learner.knows)
        if not self.learner.ready or self._published == now:
            return []
        is_new = self._published[0] != now[0]
        self._published = now
        changed = self.learner.changed_cards()
        return [self._co_clusters(), *self._card_groups(self.cards.all_ids() if is_new else changed)]

    def withdrawn(self) -> list[str]:
        """Cards that were evicted since the last call: their published groups must be withdrawn."""
        withdrawn, self._withdrawn = self._withdrawn, set()
        return sorted(withdrawn.difference(self.cards.all_names())) if withdrawn else []

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        if self._written_count == self.learner.state.events_count:
            return
        self._written_count = self.learner.state.events_count
        for key, value in self.learner.rows_changed():
            yield _LEARNED + key, value
        self._withdrawn.update(map(self.cards.name_of, self.learner.forgotten[1]))
        for interner, gone in zip((self.users, self.cards), self.learner.forgotten, strict=True):
            interner.release(gone)
        for rows in (self.users, self.cards, self.names):
            yield from rows.changed_rows()

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the learner that wrote these rows; it will publish everything again."""
        learned: dict[bytes, bytes] = {}
        for key, value in rows:
            if key.startswith(_LEARNED):
                learned[key[len(_LEARNED) :]] = value
            else:
                any(rows.adopt(key, value) for rows in (self.users, self.cards, self.names))
        if learned:
            self.learner = CoClusterLearner.restore(self.settings, self.seed, learned.items())
            self.learner.drift.note(self._incidents.severe_since_ms, self.learner.state)
        self.names.generation = self.learner.state.generation
        self.newest_ms = self.learner.state.now_ms
        self._written_count = self.learner.state.events_count

    def _co_clusters(self) -> CoClusters:
        model = self.learner.model()
        times = as_published(StreamingTimes(self.learner.streaming_sums()))
        labels = self._labels()
        return CoClusters(
            labels=tuple(label.name for label in labels),
            most_frequent=tuple(label.most_frequent for label in labels),
            signatures=_matrix(np.round(signature_matrix(model), 4)),
            generation=model.generation,
            version=model.version,
            event_ms=self.newest_ms,
            user_prior=tuple(model.user_prior.tolist()),
            card_prior=tuple(model.card_prior.tolist()),
            mean=_matrix(model.mean),
            variance=_matrix(model.variance),
            count=_matrix(model.count),
            unplaced_count=self.learner.state.unplaced_count,
            withdrawn_count=self.learner.state.withdrawn_count,
            global_mean=model.global_mean,
            global_variance=model.global_variance,
            thresholds_s={reward.name: _matrix(reward.success(times).threshold_s) for reward in self.rewards},
            times=published_times(times),
            user_overlap=_matrix(self.learner.user_overlap) if model.generation > 1 else (),
            card_overlap=_matrix(self.learner.card_overlap) if model.generation > 1 else (),
        )

    def _labels(self) -> list[CardGroupLabel]:
        """Labels of the card groups by their cards; None without a catalogue."""
        known = [card for card in self.cards.all_names() if card in self.catalogue]
        genres = sorted({genre for card in known for genre in self.catalogue[card].genres})
        if not genres:
            return []
        weights = np.exp(self.learner.card_logits(self.cards.ids_of(known)))
        number = {genre: index for index, genre in enumerate(genres)}
        tags = [(row, number[genre]) for row, card in enumerate(known) for genre in self.catalogue[card].genres]
        columns = np.array(tags, dtype=np.int64).T
        renamed = self.names.current()
        return label_card_groups(weights, (columns[0], columns[1]), genres, renamed=renamed, words=1)

    def _card_groups(self, cards: IntArray) -> list[CardGroup]:
        logits = self.learner.card_logits(cards)
        groups = logits.argmax(axis=1).tolist()
        version = self.learner.state.events_count
        return [
            CardGroup(
                card_id=self.cards.name_of(card),
                generation=self.learner.state.generation,
                version=version,
                logits=tuple(row),
                group=group,
            )
            for card, row, group in zip(cards.tolist(), np.round(logits, 6).tolist(), groups, strict=True)
        ]


def _matrix(values: FloatArray) -> Matrix:
    return tuple(tuple(row) for row in values.tolist())
