"""The leaderboard task on the wire."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from processors.leaderboard.standings import Leaderboard
from schemas.policy_values import PolicyValue
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import Measures
from streams.tasks.intake import Intake
from streams.tasks.publish_rhythm import PublishRhythm
from streams.tasks.routing import produced, topic_of


class LeaderboardTask:
    """Weighed pages in; policy values out, at most once per `publish_interval_ms`."""

    def __init__(self, publish_interval_ms: int) -> None:
        self.core = Leaderboard()
        self.counters: Counter[str] = Counter()
        self._rhythm = PublishRhythm(publish_interval_ms)
        self._intake = Intake(self._count)

    def restore(self, rows: Iterable[StateRow]) -> None:
        """Restore the sums."""
        self.core.restore((row.key, row.value) for row in rows if row.value is not None)

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:  # noqa: ARG002  the protocol's
        """Do nothing: evidence is complete in itself."""
        return ()

    def process(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        """Process one batch of weighed pages."""
        arrivals, dead = self._intake.read(topic, records)
        self.core.take(message for _, message in arrivals)
        return dead

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:  # noqa: ARG002  all get the same
        """Publish if it is due; values of candidates that are no longer configured are withdrawn."""
        if not self._rhythm.is_due(now_ms):
            return []
        values, gone = self.core.publish()
        if values:
            self._rhythm.published(now_ms)
            self.counters["values_published"] += len(values)
        withdrawn = [Produced(topic_of(PolicyValue), key.encode(), None) for key in gone]
        return [*withdrawn, *map(produced, values)]

    def conclude(self) -> Iterable[Produced]:
        """Do nothing: the task publishes on a tick."""
        return ()

    def changed(self) -> Iterable[StateRow]:
        """Changed rows of the sums."""
        return [StateRow(key, value) for key, value in self.core.changed_rows()]

    def measures(self) -> Measures:
        """Counters, number of pages and corrections read, and of candidates worth testing."""
        return Measures(
            self.counters,
            {"evidence_read": self.core.evidence_count, "candidates_worth_testing": self.core.worth_testing_count},
        )

    def _count(self, reason: str) -> None:
        self.counters[f"dead_letters_{reason}"] += 1
