"""Progress of a request to forget: the listeners task reads it from both topics, then the learner. Pure."""

from msgspec import DecodeError

from schemas.codec import UnreadableError, decode
from schemas.interactions import FORGOTTEN_KEY, ListenerForgotten
from schemas.topics import STATE_SUFFIX
from streams.auditing.reading import LogRecord
from streams.exactly_once.transactions.position import POSITION_KEY, Position

LISTENERS, LEARNER, INTERACTIONS = f"listeners{STATE_SUFFIX}", f"learner{STATE_SUFFIX}", "interactions"


class Doing:
    """Follows the tasks' records after a request; `asked` has its offset in each input topic.

    A task is done when its position is past the request, because state rows and position share a transaction.
    """

    def __init__(self, user_id: str, partition: int, asked: dict[str, int]) -> None:
        self._user_id, self._partition, self._asked = user_id, partition, asked
        self._told = 0
        self._told_until = -1
        self._is_dropped = False
        self._learned_until = 0

    def take(self, record: LogRecord) -> None:
        """Process one committed record of `TOPICS_FOLLOWED`."""
        if record.topic == INTERACTIONS:
            if record.key == FORGOTTEN_KEY.encode() and self._is_hers(record.value):
                self._told += 1
                self._told_until = record.offset
        elif record.key == POSITION_KEY and record.value is not None:
            try:
                starts = Position.of_row(record.value).starts
            except DecodeError:
                return
            if record.topic == LEARNER:
                self._learned_until = starts.get(INTERACTIONS, 0)
            elif record.partition == self._partition:
                self._is_dropped = all(starts.get(topic, 0) > offset for topic, offset in self._asked.items())

    @property
    def waits_for(self) -> str | None:
        """Description of the task that is not done yet; None if all are."""
        if not self._is_dropped or self._told < len(self._asked):
            return f"the listeners task of partition {self._partition}"
        return None if self._learned_until > self._told_until else "the learner task"

    def _is_hers(self, value: bytes | None) -> bool:
        try:
            message = decode(INTERACTIONS, value)
        except UnreadableError:
            return False
        return isinstance(message, ListenerForgotten) and message.user_id == self._user_id


TOPICS_FOLLOWED = (LISTENERS, LEARNER, INTERACTIONS)
