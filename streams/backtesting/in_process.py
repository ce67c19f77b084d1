"""The pipeline without Kafka: every task, joined by function calls, deterministic."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from processors.cards import Cards
from processors.leaderboard.standings import Leaderboard
from processors.learner import Learner
from processors.listeners import Concluded, Listeners
from processors.ranking.learned import Learned
from schemas.catalogue import CatalogueCard
from schemas.codec import decode, decode_as
from schemas.experiments import ExperimentDefinition
from schemas.impressions import Impression
from schemas.interactions import Interactions, ListenerForgotten
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.policy_evidence import PagesWeighed
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd, StreamEvent
from streams.exactly_once.records.placement import partition_of
from streams.pinned_model import PinnedModel
from streams.settings import Settings

Event = Impression | StreamEvent


class InProcess:
    """Events in, messages out; what is learned in one step is known in the next.

    Listeners are partitioned as on a cluster, because event time passes by partition. With a pinned model nothing is
    learned: outcomes are then a function of the events alone.

    >>> from tests.builders import card, impression, stream_end
    >>> pipeline = InProcess(Settings())
    >>> pipeline.define(card("c1"))
    >>> first = pipeline.take([impression(event_ms=0), stream_end(event_ms=60_000)])
    >>> later = [impression(event_id="i2", event_ms=10**7), stream_end(event_id="s2", event_ms=10**7)]
    >>> [type(message).__name__ for message in pipeline.take(later) if isinstance(message, OutcomesSettled)]
    ['OutcomesSettled']
    """

    def __init__(self, settings: Settings, partitions: int = 1, pinned: PinnedModel | None = None) -> None:
        rewards = settings.reward_names
        self.learned = Learned(settings.listeners.rewards)
        self.partitions = [
            Listeners(settings.listeners, f"listeners/{number}", self.learned) for number in range(partitions)
        ]
        self.cards = Cards(
            rewards, settings.seed, settings.reward_half_life_ms, settings.cards_max, settings.reward_weight_max
        )
        self.learner = Learner(settings.coclusters, rewards, settings.seed)
        self.leaderboard = Leaderboard()
        self.rankings: dict[str, ShelfRanking] = {}
        self._learns = pinned is None
        for topic, records in (pinned or {}).items():
            for record in records:
                self._broadcast(decode(topic, record.value))

    def define(self, message: CatalogueCard | ExperimentDefinition) -> None:
        """Add a card to the catalogue, or an experiment; a pinned model has its own."""
        if self._learns:
            self._broadcast(message)

    def take(self, events: Sequence[Event], *, ranks: bool = False) -> list[Struct]:
        """Process a batch of events; returns what the listeners task wrote, with its rankings if `ranks`."""
        own: list[list[Event]] = [[] for _ in self.partitions]
        for event in events:
            own[self.partition_of(event.user_id)].append(event)
        messages: list[Struct] = []
        for listeners, part in zip(self.partitions, own, strict=True):
            listeners.impressions([(0, event) for event in part if isinstance(event, Impression)])
            listeners.stream_ends([(0, event) for event in part if isinstance(event, StreamEvent)])
            messages += self._written(listeners.conclude(ranks=ranks))
        self._pass_on(messages)
        return messages

    def forget(self, user_id: str) -> list[Struct]:
        """Forget a listener, as a request in the log does."""
        due, told = self.partitions[self.partition_of(user_id)].forget(user_id)
        messages: list[Struct] = [*(decode_as(one.kind, one.value) for one in due), told]
        self._pass_on(messages)
        return messages

    def close(self, event_ms: int) -> list[Struct]:
        """Let event time reach `event_ms` in every partition; returns what became due."""
        messages: list[Struct] = []
        for number, listeners in enumerate(self.partitions):
            name = f"end of partition {number}"
            page = Impression(event_id=name, user_id=name, event_ms=event_ms, shelves=())
            stream = StreamEnd(
                event_id=name, user_id=name, card_id=name, started_ms=event_ms, event_ms=event_ms, played_ms=0
            )
            listeners.impressions([(0, page)])
            listeners.stream_ends([(0, stream)])
            messages += self._written(listeners.conclude(ranks=False))
        self._pass_on(messages)
        return messages

    def partition_of(self, user_id: str) -> int:
        """The partition of a listener, by Kafka's own partitioner."""
        return partition_of(user_id.encode(), len(self.partitions)) if len(self.partitions) > 1 else 0

    def _written(self, concluded: Concluded) -> Iterator[Struct]:
        for one in concluded.written:
            yield decode_as(one.kind, one.value)
        yield from concluded.messages
        for pages in concluded.pages:
            for ranking in pages.messages():
                self.rankings[ranking.key] = ranking
                yield ranking

    def _pass_on(self, messages: Sequence[Struct]) -> None:
        """Let the other tasks read what was written, and everybody what they publish."""
        self.leaderboard.take(_of(messages, PagesWeighed))
        if not self._learns:
            return
        self.cards.outcomes(_of(messages, OutcomesSettled | OutcomeCorrected))
        self.learner.interactions(_of(messages, Interactions))
        for message in _of(messages, ListenerForgotten):
            self.learner.forget(message.user_id)
        for published in (*self.learner.publish(), *self.cards.statistics()):
            self._broadcast(published)

    def _broadcast(self, message: Struct) -> None:
        if isinstance(message, CatalogueCard):
            self.learned.put_card(message.card_id, message)
            self.learner.put_card(message.card_id, message)
        elif isinstance(message, ExperimentDefinition):
            for listeners in self.partitions:
                listeners.definitions.put(message.name, message)
        elif isinstance(message, CoClusters):
            self.learned.put_co_clusters(message)
            self.cards.put_co_clusters(message)
        elif isinstance(message, CardGroup):
            self.learned.put_card_group(message)
            self.cards.put_card_group(message)
        elif isinstance(message, CardStatistics):
            self.learned.put_statistics(message)


def _of(messages: Iterable[Struct], kind: Any) -> list[Any]:
    return [message for message in messages if isinstance(message, kind)]
