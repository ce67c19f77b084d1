"""The auditor's books: what lies in the logs, folded into plain dictionaries, each record seen once."""

from collections import Counter, defaultdict
from typing import Any

import msgspec

from streams.auditing.ranking_watch import RankingWatch
from streams.auditing.reading import LogRecord
from streams.auditing.wire import (
    DECODERS,
    CardStatisticsRead,
    ImpressionRead,
    OutcomeRead,
    PositionRead,
    StreamEndRead,
    outcomes_in,
)

Place = tuple[str, int, int]
Exposure = tuple[str, str, int, int]
INPUTS = ("impressions", "stream-ends")
LETTERS = tuple(f"{topic}.dlq" for topic in INPUTS)
STATES = ("listeners-state", "cards-state", "learner-state", "model-state")
POSITION_KEY = b"__position__"
READING_ORDER = (
    *LETTERS, "catalogue", *INPUTS, "outcomes", "interactions", "engagement", "card-statistics", "co-clusters",
    "shelf-rankings", *STATES,
)  # fmt: skip
"""Dead letters come before the inputs that they excuse, the catalogue and the inputs before rankings made of them."""


class Books:
    """Takes records topic by topic, in `READING_ORDER`; `topics` are those that were read, empty ones included."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.impressions: dict[tuple[str, str], ImpressionRead] = {}
        self.streams: dict[tuple[str, str], StreamEndRead] = {}
        self.partition_of_user: dict[str, int] = {}
        self.newest_ms: dict[tuple[str, int], int] = {}
        self.duplicates = 0
        self.letters: dict[Place, list[LogRecord]] = defaultdict(list)
        self.letters_matched: set[Place] = set()
        self.letters_changed: list[Place] = []
        self.unreadable: list[Place] = []
        self.settled: dict[Exposure, list[OutcomeRead]] = defaultdict(list)
        self.corrected: dict[Exposure, list[OutcomeRead]] = defaultdict(list)
        self.interactions: Counter[tuple[str, str]] = Counter()
        self.played_ms: Counter[str] = Counter()
        self.engagement: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()
        self.statistics: dict[str, CardStatisticsRead] = {}
        self.block_count: float | None = None
        self.rankings = RankingWatch()
        self.positions: dict[tuple[str, int], list[PositionRead]] = defaultdict(list)

    def take(self, record: LogRecord) -> None:
        """Enter one record."""
        self.topics.add(record.topic)
        if record.topic in STATES:
            self._take_row(record)
        elif record.topic in LETTERS:
            self._take_letter(record)
        elif record.topic in INPUTS:
            self._take_input(record)
        elif record.value is None:
            if record.topic == "catalogue":
                return  # withdrawn; rankings made before may still show it
        else:
            self._take_output(record.topic, DECODERS[record.topic].decode(record.value), record)

    def _take_row(self, record: LogRecord) -> None:
        """Of a task's state only its position is for the auditor to understand."""
        if record.key == POSITION_KEY and record.value is not None:
            position = msgspec.json.decode(record.value, type=PositionRead)
            self.positions[record.topic, record.partition].append(position)

    def _take_letter(self, record: LogRecord) -> None:
        headers = dict(record.headers)
        source = headers["shelfwise.source.topic"].decode()
        place = (source, int(headers["shelfwise.source.partition"]), int(headers["shelfwise.source.offset"]))
        self.letters[place].append(record)

    def _take_input(self, record: LogRecord) -> None:
        place = (record.topic, record.partition, record.offset)
        if place in self.letters:
            self.letters_matched.add(place)
            if any((letter.key, letter.value) != (record.key, record.value) for letter in self.letters[place]):
                self.letters_changed.append(place)
            return
        try:
            event = DECODERS[record.topic].decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unreadable.append(place)
            return
        known: dict[tuple[str, str], Any] = self.impressions if record.topic == "impressions" else self.streams
        name = (event.user_id, event.event_id)
        self.duplicates += name in known
        known.setdefault(name, event)
        self.partition_of_user[event.user_id] = record.partition
        source = (record.topic, record.partition)
        self.newest_ms[source] = max(event.event_ms, self.newest_ms.get(source, -1))
        self.rankings.note_input(place, event.user_id)

    def _take_output(self, topic: str, message: Any, record: LogRecord) -> None:
        if topic == "outcomes":
            for outcome in outcomes_in(message):
                exposure = (outcome.user_id, outcome.impression_id, outcome.row, outcome.slot)
                (self.corrected if outcome.stream_event_id is not None else self.settled)[exposure].append(outcome)
        elif topic == "interactions":
            self.interactions.update(zip(message.user_id, message.event_id, strict=True))
            for user_id, played_ms in zip(message.user_id, message.played_ms, strict=True):
                self.played_ms[user_id] += played_ms
        elif topic == "engagement":
            for name in ("exposures", "streams", "played_s"):
                self.engagement[name] += sum(getattr(message, name))
            self.counters.update(message.counters)
        elif topic == "card-statistics":
            self.statistics[message.card_id] = message
        elif topic == "co-clusters":
            self.block_count = sum(map(sum, message.count)) + message.unplaced_count
        elif topic == "catalogue":
            self.rankings.note_card(message)
        else:
            self.rankings.take(message, record)
