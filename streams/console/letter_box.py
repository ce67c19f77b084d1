"""Dead letters by topic and reason: counts, and the newest examples."""

from collections import Counter, deque

from msgspec import Struct

from schemas.dead_letters import DeadLetter
from streams.auditing.reading import LogRecord

EXAMPLES = 3
SHOWN_BYTES = 300


class LetterExample(Struct, frozen=True, kw_only=True):
    """A dead letter as shown: where it was read, why it was refused, and the beginning of its bytes."""

    partition: int
    offset: int
    detail: str
    attempt: int
    shown: str
    bytes: int


class LetterBox:
    """Counts by (topic, reason), the topic without `.dlq`; records that are no dead letters are counted apart."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.newest_ms: dict[tuple[str, str], int] = {}
        self.not_ours_count = 0
        self._examples: dict[tuple[str, str], deque[LetterExample]] = {}

    def take(self, record: LogRecord) -> None:
        """Process one record of a dead-letter topic."""
        try:
            letter = DeadLetter.from_headers(record.headers)
        except (KeyError, ValueError):
            self.not_ours_count += 1
            return
        kind = (letter.topic, letter.reason)
        self.counts[kind] += 1
        self.newest_ms[kind] = max(self.newest_ms.get(kind, 0), record.timestamp_ms or 0)
        value = record.value or b""
        self._examples.setdefault(kind, deque(maxlen=EXAMPLES)).append(
            LetterExample(
                partition=letter.partition,
                offset=letter.offset,
                detail=letter.detail,
                attempt=letter.attempt,
                shown=value[:SHOWN_BYTES].decode(errors="replace"),
                bytes=len(value),
            )
        )

    def examples(self, topic: str, reason: str) -> list[LetterExample]:
        """The newest ones, the newest first."""
        return list(reversed(self._examples.get((topic, reason), ())))
