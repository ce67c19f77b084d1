"""What the console knows: a fold over the records of the topics that it reads, bounded in memory."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from schemas.catalogue import CatalogueCard
from schemas.codec import UnreadableError, decode
from schemas.experiments import ExperimentDefinition
from schemas.learning import CardGroup, CoClusters
from schemas.metric_windows import ExperimentDecision, MetricAlarm
from schemas.monitoring import DriftIncident, EngagementMetrics
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.policy_values import PolicyValue
from schemas.rankings import HOME
from schemas.topics import DEAD_LETTER_SUFFIX
from streams.auditing.reading import LogRecord
from streams.console.console_topics import HISTORY
from streams.console.flow_meter import FlowMeter
from streams.console.incident_log import IncidentLog
from streams.console.letter_box import LetterBox
from streams.console.listener_log import ListenerLog
from streams.pictures.known_groups import KnownGroups
from streams.pictures.time_windows import TimeWindows
from streams.subscribers.ranking_table import TOPIC as RANKINGS
from streams.subscribers.ranking_table import RankingTable

CARDS_MAX = 200_000
RANKINGS_BYTES_MAX = 128 * 1_048_576
BUCKETS_MAX = 400
"""Buckets of engagement that are kept for each variant."""
VARIANTS_MAX = 100
VALUES_MAX = 400
DECISIONS_MAX = 200
DEFINITIONS_MAX = 200
GENERATIONS_MAX = 8
ALARMS_MAX = 200
INPUTS = frozenset({"impressions", "stream-ends"})


class _Kept(NamedTuple):
    """The newest message of each key of a topic is kept in a dictionary of the state, by a field, up to a number."""

    into: str
    field: str
    most: int


_KEPT = {
    "catalogue": _Kept("cards", "card_id", CARDS_MAX),
    "card-groups": _Kept("card_groups", "card_id", CARDS_MAX),
    "policy-values": _Kept("values", "key", VALUES_MAX),
    "experiments": _Kept("definitions", "name", DEFINITIONS_MAX),
    "experiment-decisions": _Kept("decisions", "experiment", DECISIONS_MAX),
    "metric-alarms": _Kept("alarms", "alarm_id", ALARMS_MAX),
}
_K = TypeVar("_K")
_V = TypeVar("_V")


class ConsoleState:
    """Records in, knowledge out: nothing here waits, connects or looks at a clock.

    Of what exceeds a bound, the oldest leaves. `version` counts the records of each topic that were taken,
    `newest_ms` is the newest time stamp of its records.
    """

    def __init__(
        self,
        surfaces: Sequence[str] = (HOME,),
        *,
        rankings_bytes_max: int = RANKINGS_BYTES_MAX,
        listener_history: bool = False,
    ) -> None:
        self.listener_history = listener_history
        """Whether what listeners did is read."""
        self.co_clusters: CoClusters | None = None
        self.generations: dict[int, CoClusters] = {}
        """The newest model of each generation that was read."""
        self.times = TimeWindows()
        self.cards: dict[str, CatalogueCard] = {}
        self.card_groups: dict[str, CardGroup] = {}
        self.rankings = {name: RankingTable(name, bytes_max=rankings_bytes_max) for name in surfaces}
        self.incidents = IncidentLog()
        self.letters = LetterBox()
        self.values: dict[str, PolicyValue] = {}
        self.definitions: dict[str, ExperimentDefinition] = {}
        self.decisions: dict[str, ExperimentDecision] = {}
        self.alarms: dict[str, MetricAlarm] = {}
        self.metrics: dict[str, deque[EngagementMetrics]] = {}
        self.meter = FlowMeter()
        self.listeners = ListenerLog()
        self.version: defaultdict[str, int] = defaultdict(int)
        self.newest_ms: dict[str, int] = {}
        self.unreadable_count = 0
        self.failed_count = 0  # requests to the broker
        self.skipped_count = 0  # records of listeners' histories
        self.unread_count: int | None = None
        """Records of followed topics that were not read yet; None before the first look."""

    def take(self, records: Iterable[LogRecord]) -> None:
        """Process records of one or more topics, in the order of each partition."""
        for record in records:
            self.version[record.topic] += 1
            self.newest_ms[record.topic] = max(self.newest_ms.get(record.topic, 0), record.timestamp_ms or 0)
            try:
                self._take(record)
            except UnreadableError:
                self.unreadable_count += 1

    def _take(self, record: LogRecord) -> None:
        if record.topic in HISTORY and not self.listener_history:
            return
        if record.topic.endswith(DEAD_LETTER_SUFFIX):
            self.letters.take(record)
        elif record.topic == RANKINGS:
            for table in self.rankings.values():
                table.put(record.key, record.value)
        elif record.topic in INPUTS:
            self.listeners.take_input(record.topic, record.key, record.value)
        elif record.topic in _KEPT and record.value is None:
            getattr(self, _KEPT[record.topic].into).pop((record.key or b"").decode(errors="replace"), None)
        elif record.value is not None:
            self._put(record.topic, decode(record.topic, record.value))

    def _put(self, topic: str, message: object) -> None:
        if topic in _KEPT:
            into, key, most = _KEPT[topic]
            _keep(getattr(self, into), getattr(message, key), message, most)
        elif isinstance(message, CoClusters):
            self.co_clusters = message
            _keep(self.generations, message.generation, message, GENERATIONS_MAX)
            self.times.take(message)
        elif isinstance(message, OutcomesSettled | OutcomeCorrected):
            self.listeners.take_outcomes(message)
        elif isinstance(message, DriftIncident):
            self.incidents.take(message)
        elif isinstance(message, EngagementMetrics):
            buckets = self.metrics.get(message.variant) or deque(maxlen=BUCKETS_MAX)
            buckets.append(message)
            _keep(self.metrics, message.variant, buckets, VARIANTS_MAX)

    def known_groups(self) -> KnownGroups | None:
        """The co-clusters with their cards; None until there are any."""
        if self.co_clusters is None:
            return None
        return KnownGroups(model=self.co_clusters, cards=self.cards, placed=self.card_groups)

    def title_of(self, card_id: str) -> str:
        """The card's title, or its id if the catalogue does not know it."""
        card = self.cards.get(card_id)
        return card.title if card is not None else card_id


def _keep(kept: dict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Put the value last; without room the first, which is the oldest, leaves."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
