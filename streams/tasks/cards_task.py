"""The cards task on the wire."""

from collections.abc import Callable, Collection, Iterable, Sequence

from processors.cards import CARDS_MAX, Cards
from processors.wire.batch import Column
from processors.wire.outcomes import read_outcomes
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record, Records
from streams.exactly_once.task import Measures
from streams.tasks.broadcast import broadcast_keyed, broadcast_message, either
from streams.tasks.intake import Intake
from streams.tasks.routing import produced


class CardsTask:
    """One partition of cards: outcomes in, card statistics out at every tick."""

    def __init__(
        self,
        rewards: Sequence[str],
        seed: int = 0,
        half_life_ms: int = 0,
        cards_max: int = CARDS_MAX,
        weight_max: float = 0.0,
    ) -> None:
        self.core = Cards(rewards, seed, half_life_ms, cards_max, weight_max)
        self._intake = Intake(self._count)

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the statistics."""
        self.core.restore((row.key, row.value) for row in rows if row.value is not None)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Apply co-clusters and card groups."""
        put: dict[str, Callable[..., None]] = {
            "co-clusters": self.core.put_co_clusters,
            "card-groups": either(self.core.put_card_group, self.core.learned.withdraw_group),
        }
        hand_on = broadcast_keyed if topic == "card-groups" else broadcast_message
        for record in records:
            hand_on(topic, record, put[topic], self._count)
        return ()

    def process(self, topic: str, records: Records) -> Iterable[Produced]:
        """Count one batch of outcomes; published statistics of evicted cards are withdrawn."""
        dead: list[Produced] = []
        slow = self._intake.canonical(topic, records, dead)
        weighs = self.core.weight_max > 0.0
        self.core.count(read_outcomes(Column(*records.values), slow, with_propensities=weighs))
        return [*dead, *(Produced("card-statistics", name.encode(), None) for name in self.core.withdrawn())]

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  all get the same
        """Publish changed statistics."""
        return [produced(message) for message in self.core.statistics()]

    def conclude(self) -> Iterable[Produced]:
        """Do nothing: statistics are published at every tick."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """Changed rows of the statistics."""
        return [StateRow(key, value) for key, value in self.core.changed_rows()]

    def measures(self) -> Measures:
        """Counters, number of cards with statistics, and their generation."""
        table = self.core.table
        return Measures(self.core.counters, {"cards_kept": len(table.row), "generation": table.generation})

    def _count(self, reason: str) -> None:
        self.core.counters[f"dead_letters_{reason}"] += 1
