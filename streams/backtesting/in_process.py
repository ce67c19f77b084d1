"""The pipeline without Kafka: one partition of every task, joined by function calls, deterministic."""

from collections.abc import Sequence

from msgspec import Struct

from processors.cards import Cards
from processors.leaderboard.standings import Leaderboard
from processors.learner import Learner
from processors.listeners import Listeners
from schemas.catalogue import CatalogueCard
from schemas.codec import decode_as
from schemas.impressions import Impression
from schemas.interactions import Interactions, ListenerForgotten
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.policy_evidence import PagesWeighed
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd
from streams.settings import Settings

Event = Impression | StreamEnd


class InProcess:
    """Events in, messages out; what is learned in one step is known in the next.

    >>> from tests.builders import card, impression, stream_end
    >>> pipeline = InProcess(Settings())
    >>> pipeline.put_card(card("c1"))
    >>> first = pipeline.take([impression(event_ms=0), stream_end(event_ms=60_000)])
    >>> later = [impression(event_id="i2", event_ms=10**7), stream_end(event_id="s2", event_ms=10**7)]
    >>> [type(message).__name__ for message in pipeline.take(later) if isinstance(message, OutcomesSettled)]
    ['OutcomesSettled']
    """

    def __init__(self, settings: Settings) -> None:
        rewards = settings.reward_names
        self.listeners = Listeners(settings.listeners, source="listeners/0")
        self.cards = Cards(rewards, settings.seed, settings.reward_half_life_ms, settings.cards_max)
        self.learner = Learner(settings.coclusters, rewards, settings.seed)
        self.leaderboard = Leaderboard()
        self.rankings: dict[str, ShelfRanking] = {}

    def put_card(self, card: CatalogueCard) -> None:
        """Add a card to the catalogue."""
        self.listeners.learned.put_card(card.card_id, card)
        self.learner.put_card(card.card_id, card)

    def take(self, events: Sequence[Event], *, ranks: bool = False) -> list[Struct]:
        """Process a batch of events; returns what the listeners task wrote, with its rankings if `ranks`."""
        self.listeners.impressions([(0, event) for event in events if isinstance(event, Impression)])
        self.listeners.stream_ends([(0, event) for event in events if isinstance(event, StreamEnd)])
        concluded = self.listeners.conclude()
        messages: list[Struct] = [decode_as(one.kind, one.value) for one in concluded.written]
        messages.extend(concluded.messages)
        if ranks:
            rankings = [ranking for pages in concluded.pages for ranking in pages.messages()]
            self.rankings.update((ranking.key, ranking) for ranking in rankings)
            messages.extend(rankings)
        self._pass_on(messages)
        return messages

    def forget(self, user_id: str) -> list[Struct]:
        """Forget a listener, as a request in the log does."""
        due, told = self.listeners.forget(user_id)
        messages: list[Struct] = [*(decode_as(one.kind, one.value) for one in due), told]
        self._pass_on(messages)
        return messages

    def _pass_on(self, messages: Sequence[Struct]) -> None:
        """Let the other tasks read what was written, and everybody what they publish."""
        self.cards.outcomes([one for one in messages if isinstance(one, OutcomesSettled | OutcomeCorrected)])
        self.learner.interactions([one for one in messages if isinstance(one, Interactions)])
        for message in messages:
            if isinstance(message, ListenerForgotten):
                self.learner.forget(message.user_id)
        self.leaderboard.take([one for one in messages if isinstance(one, PagesWeighed)])
        for published in (*self.learner.publish(), *self.cards.statistics()):
            self._broadcast(published)

    def _broadcast(self, message: Struct) -> None:
        if isinstance(message, CoClusters):
            self.listeners.learned.put_co_clusters(message)
            self.cards.put_co_clusters(message)
        elif isinstance(message, CardGroup):
            self.listeners.learned.put_card_group(message)
            self.cards.put_card_group(message)
        elif isinstance(message, CardStatistics):
            self.listeners.learned.put_statistics(message)
