"""The auditor's books: the logs folded into plain dictionaries, in one pass."""

from collections import Counter, defaultdict
from hashlib import sha256
from typing import Any

import msgspec

from streams.auditing.credit_book import CreditBook
from streams.auditing.evidence_book import EvidenceBook
from streams.auditing.experiment_book import ExperimentBook
from streams.auditing.metrics_book import MetricsBook
from streams.auditing.own_messages import (
    DECODERS,
    CardStatisticsRead,
    CoClustersRead,
    ForgottenRead,
    ImpressionRead,
    PlayingRead,
    PositionRead,
    StreamEndRead,
    decoded,
)
from streams.auditing.own_outcomes import OutcomeRead, outcomes_in
from streams.auditing.propensity_watch import PropensityWatch
from streams.auditing.ranking_watch import RankingWatch
from streams.auditing.reading import LogRecord

Place = tuple[str, int, int]
Exposure = tuple[str, str, int, int]
INPUTS = ("impressions", "stream-ends")
LETTERS = tuple(f"{topic}.dlq" for topic in INPUTS)
STATES = ("listeners-state", "cards-state", "learner-state", "model-state", "leaderboard-state", "metrics-state")
EVIDENCE = ("policy-evidence", "policy-values")
METRICS = ("metric-signals", "metric-windows", "experiment-decisions")
EXPERIMENTS = ("experiments", "experiment-exposures")
POSITION_KEY = b"__position__"
READING_ORDER = (
    *LETTERS, "catalogue", EXPERIMENTS[0], *INPUTS, "outcomes", "interactions", "engagement", "card-statistics",
    "co-clusters", "shelf-rankings", EXPERIMENTS[1], *EVIDENCE, *METRICS, *STATES,
)  # fmt: skip
"""Dead letters are read before the inputs that they excuse; catalogue, experiments and inputs before what follows."""


_DIGITS_MAX = 19  # of an offset
MOVED_HEADER = "shelfwise.moved"
FORGOTTEN_KEY = b"forgotten"  # of records with listeners to forget


def _kept_of(record: LogRecord) -> tuple[bytes | None, bytes | None]:
    """The content of a dead letter for a record: all of it, or the digest of the key if it has no value."""
    if record.value is None and record.key is not None:
        return b"sha256:" + sha256(record.key).hexdigest().encode(), None
    return record.key, record.value


def _is_moved(record: LogRecord) -> bool:
    """Whether a record was copied or deleted because its key moved to another partition: nothing else has changed."""
    return any(name == MOVED_HEADER for name, _ in record.headers)


class Books:
    """Processes records topic by topic, in `READING_ORDER`; `topics` are those that were read, including empty ones."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.impressions: dict[tuple[str, str], ImpressionRead] = {}
        self.streams: dict[tuple[str, str], StreamEndRead] = {}
        self.playing: dict[tuple[str, str], PlayingRead] = {}
        self.partitions_of_user: dict[str, tuple[int, ...]] = {}  # more than one since topics grew
        self.newest_ms: dict[tuple[str, int], int] = {}
        self.passed_ms: dict[tuple[str, int], int] = {}  # limited by the records' own timestamps
        self.duplicates = 0
        self.forgotten: set[str] = set()
        self.asked_last: dict[str, set[str]] = {}  # topics in which no later event of hers follows the request
        self.letters: dict[Place, list[LogRecord]] = defaultdict(list)
        self.letters_matched: set[Place] = set()
        self.letters_changed: list[Place] = []
        self.unreadable: list[Place] = []
        self.settled: dict[Exposure, list[OutcomeRead]] = defaultdict(list)
        self.corrected: dict[Exposure, list[OutcomeRead]] = defaultdict(list)
        self.credits = CreditBook()
        self.interactions: Counter[tuple[str, str]] = Counter()
        self.played_ms: Counter[str] = Counter()
        self.told_since: Counter[str] = Counter()  # interactions of a listener, since the learner forgot her last
        self.told_before: list[int] = []  # interactions of each forgotten listener until then
        self.told_cards: set[str] = set()
        self.engagement: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()
        self.statistics: dict[str, CardStatisticsRead] = {}
        self.blocks: CoClustersRead | None = None
        self.rankings = RankingWatch()
        self.evidence = EvidenceBook()
        self.metrics = MetricsBook()
        self.propensities = PropensityWatch()
        self.experiments = ExperimentBook()
        self.positions: dict[tuple[str, int], list[PositionRead]] = defaultdict(list)

    def take(self, record: LogRecord) -> None:
        """Process one record."""
        self.topics.add(record.topic)
        if record.topic in STATES:
            self._take_row(record)
        elif record.topic in LETTERS:
            self._take_letter(record)
        elif record.topic in INPUTS:
            self._take_input(record)
        elif record.topic in EVIDENCE + EXPERIMENTS:
            message = None if record.value is None else DECODERS[record.topic].decode(record.value)
            book = self.evidence if record.topic in EVIDENCE else self.experiments
            book.take((record.key or b"").decode(errors="replace"), message)
        elif record.topic in METRICS:
            message = None if record.value is None else DECODERS[record.topic].decode(record.value)
            self.metrics.take(record.topic, (record.key or b"").decode(errors="replace"), message)
        elif record.value is None:
            if record.topic == "shelf-rankings" and not _is_moved(record):
                self.rankings.withdraw((record.key or b"").decode(errors="replace"))
        elif (record.topic, record.key) == ("interactions", FORGOTTEN_KEY):
            user_id = msgspec.json.decode(record.value, type=ForgottenRead).user_id
            self.told_before.append(self.told_since.pop(user_id, 0))
        else:
            self._take_output(record.topic, DECODERS[record.topic].decode(record.value), record)

    def _take_row(self, record: LogRecord) -> None:
        """Of a task's state the auditor reads only the position."""
        if record.key == POSITION_KEY and record.value is not None:
            position = msgspec.json.decode(record.value, type=PositionRead)
            self.positions[record.topic, record.partition].append(position)

    def _take_letter(self, record: LogRecord) -> None:
        headers = {name: value or b"" for name, value in record.headers}
        numbers = [headers.get(f"shelfwise.source.{name}", b"") for name in ("partition", "offset")]
        if not all(number.isdigit() and len(number) <= _DIGITS_MAX for number in numbers):
            return  # of another sender: not a dead letter
        source = headers.get("shelfwise.source.topic", b"").decode(errors="replace")
        self.letters[source, int(numbers[0]), int(numbers[1])].append(record)

    def _take_input(self, record: LogRecord) -> None:
        place = (record.topic, record.partition, record.offset)
        if record.value is None and record.key and place not in self.letters:
            self._take_request(record, record.key.decode(errors="replace"))
            return
        if place in self.letters:
            self.letters_matched.add(place)
            if any((letter.key, letter.value) != _kept_of(record) for letter in self.letters[place]):
                self.letters_changed.append(place)
            return
        try:
            event = decoded(record.topic, record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unreadable.append(place)
            return
        known = self._known(event)
        name = (event.user_id, event.event_id)
        self.duplicates += name in known
        if name not in known and isinstance(event, ImpressionRead):
            self.propensities.note(event)
            self.experiments.note(event, record.partition)
        known.setdefault(name, event)
        known_in = self.partitions_of_user.get(event.user_id, ())
        if record.partition not in known_in:
            self.partitions_of_user[event.user_id] = (*known_in, record.partition)
        source = (record.topic, record.partition)
        self.newest_ms[source] = max(event.event_ms, self.newest_ms.get(source, -1))
        stamp_ms = event.event_ms if record.timestamp_ms is None else record.timestamp_ms
        if stamp_ms > 0 or record.timestamp_ms is None:  # without a timestamp nothing is certain
            self.passed_ms[source] = max(min(event.event_ms, stamp_ms), self.passed_ms.get(source, -1))
        self.rankings.note_input(place, event.user_id)
        self.asked_last.get(event.user_id, set()).discard(record.topic)

    def _known(self, event: Any) -> dict[tuple[str, str], Any]:
        """The events of this kind by listener and name."""
        if isinstance(event, ImpressionRead):
            return self.impressions
        return self.playing if isinstance(event, PlayingRead) else self.streams

    def _take_request(self, record: LogRecord, user_id: str) -> None:
        """A listener asks to be forgotten: output of her earlier events may or may not exist."""
        self.forgotten.add(user_id)
        self.asked_last.setdefault(user_id, set()).add(record.topic)

    def _take_output(self, topic: str, message: Any, record: LogRecord) -> None:
        if topic == "outcomes":
            self.credits.take(message)
            self.propensities.take(message)
            self.experiments.take_outcomes(message)
            for outcome in outcomes_in(message):
                exposure = (outcome.user_id, outcome.impression_id, outcome.row, outcome.slot)
                (self.corrected if outcome.stream_event_id is not None else self.settled)[exposure].append(outcome)
        elif topic == "interactions":
            self.interactions.update(zip(message.user_id, message.event_id, strict=True))
            self.told_since.update(message.user_id)
            self.told_cards.update(message.card_id)
            for user_id, played_ms in zip(message.user_id, message.played_ms, strict=True):
                self.played_ms[user_id] += played_ms
        elif topic == "engagement":
            for name in ("exposures", "streams", "played_s"):
                self.engagement[name] += sum(getattr(message, name))
            self.counters.update(message.counters)
        elif topic == "card-statistics":
            self.statistics[message.card_id] = message
        elif topic == "co-clusters":
            self.blocks = message
        elif topic == "catalogue":
            self.rankings.note_card(message)
        else:
            self.rankings.take(message, record, is_moved=_is_moved(record))
            self.propensities.take_ranking(message)
            self.experiments.take_ranking(message)
