"""What topics are called at the broker."""

import re

from msgspec import Struct

from schemas.topics import TOPICS

_LEGAL = re.compile(r"[a-zA-Z0-9._-]*")
NAME_MAX = 249


class TopicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prefix for all topics of the table, and names for single ones. Dead letters and state have rows of their own.

    >>> TopicSettings(prefix="team-a.").prefix
    'team-a.'
    >>> TopicSettings(names={"pages": "p"})
    Traceback (most recent call last):
    ValueError: names.pages: there is no such topic; `shelfwise topics plan` lists all
    """

    prefix: str = ""
    names: dict[str, str] = {}

    def __post_init__(self) -> None:
        longest = max(map(len, TOPICS))
        if not _LEGAL.fullmatch(self.prefix) or len(self.prefix) + longest > NAME_MAX:
            raise ValueError(f"prefix {self.prefix!r} must be letters, digits, dots, dashes or underscores, and short")
        for topic, name in self.names.items():
            if topic not in TOPICS:
                raise ValueError(f"names.{topic}: there is no such topic; `shelfwise topics plan` lists all")
            if not name or not _LEGAL.fullmatch(name) or len(name) > NAME_MAX:
                raise ValueError(f"names.{topic}: {name!r} is not a name of a Kafka topic")
        called = [self.names.get(topic, self.prefix + topic) for topic in TOPICS]
        twice = sorted({name for name in called if called.count(name) > 1})
        if twice:
            raise ValueError(f"two topics are called {twice[0]}")
