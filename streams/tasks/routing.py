"""Where a message goes and under which key: read off the table of topics."""

from functools import cache

from msgspec import Struct

from schemas.codec import encode
from schemas.learning import CoClusters
from schemas.monitoring import DriftAlert, PolicyValue
from schemas.rankings import ShelfRanking
from schemas.topics import TOPICS
from streams.exactly_once.task import Produced

MODEL_KEY = b"model"


@cache
def topic_of(message: type[Struct]) -> str:
    """Name of the topic that carries messages of this type.

    >>> topic_of(DriftAlert)
    'drift-alerts'
    """
    for topic in TOPICS.values():
        if topic.message is message or message in getattr(topic.message, "__args__", ()):
            return topic.name
    raise KeyError(f"no topic carries {message.__name__}")


def key_of(message: Struct) -> bytes:
    """Key under which a message is written.

    >>> from tests.builders import impression
    >>> key_of(impression(user_id="u7"))
    b'u7'
    """
    if isinstance(message, CoClusters):
        return MODEL_KEY
    if isinstance(message, DriftAlert):
        return f"{message.user_group}.{message.card_group}".encode()
    if isinstance(message, PolicyValue):
        return f"{message.policy} {message.reward}".encode()
    if isinstance(message, ShelfRanking):
        return message.key.encode()
    name: str = getattr(message, TOPICS[topic_of(type(message))].key)
    return name.encode()


def produced(message: Struct) -> Produced:
    """The record that carries a message."""
    return Produced(topic_of(type(message)), key_of(message), encode(message))
