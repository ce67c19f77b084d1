"""Topic and key of a message, from the table of topics."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from schemas.codec import encode
from schemas.interactions import FORGOTTEN_KEY, ListenerForgotten
from schemas.learning import CoClusters
from schemas.metric_windows import MetricWindow
from schemas.monitoring import DriftAlert
from schemas.policy_values import PolicyValue
from schemas.rankings import ShelfRanking
from schemas.topics import TOPICS
from streams.exactly_once.records.produced import Produced

MODEL_KEY = b"model"


@cache
def topic_of(message: type[Struct]) -> str:
    """Topic of messages of this type.

    >>> topic_of(DriftAlert)
    'drift-alerts'
    """
    for topic in TOPICS.values():
        if topic.message is message or message in getattr(topic.message, "__args__", ()):
            return topic.name
    raise KeyError(f"no topic carries {message.__name__}")


def key_of(message: Struct) -> bytes:
    """Key of a message.

    >>> from tests.builders import impression
    >>> key_of(impression(user_id="u7"))
    b'u7'
    """
    return _key_reader(type(message))(message)


def produced(message: Struct) -> Produced:
    """The record of a message."""
    return Produced(topic_of(type(message)), key_of(message), encode(message))


@cache
def _key_reader(kind: type[Struct]) -> Callable[[Any], bytes]:
    """Key function of a message type; cached, because it is called for every record."""
    if kind is CoClusters:
        return lambda _: MODEL_KEY
    if kind is DriftAlert:
        return lambda alert: f"{alert.user_group}.{alert.card_group}".encode()
    if kind in {PolicyValue, MetricWindow}:
        return lambda value: value.key.encode()
    if kind is ListenerForgotten:
        return lambda _: FORGOTTEN_KEY.encode()
    name = attrgetter("key" if kind is ShelfRanking else TOPICS[topic_of(kind)].key)
    return lambda message: name(message).encode()
