"""Interactions: who streamed which card for how long, organic play included. Input of the co-clusters."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, ClassVar

from msgspec import Struct

from schemas.fields import DurationMs, EventMs, Identifier, refuse_unless, refuse_unless_identifiers
from schemas.rules import Rules, SameLength, obey


class Interaction(Struct, frozen=True, kw_only=True, gc=False):
    """A listener streamed a card for `played_ms`; a row of `Interactions`.

    >>> Interaction(event_id="s1", user_id="u1", card_id="c1", event_ms=0, played_ms=1000).organic
    False
    """

    event_id: Identifier
    user_id: Identifier
    card_id: Identifier
    event_ms: EventMs
    played_ms: DurationMs
    organic: bool = False


class ListenerForgotten(Struct, frozen=True, kw_only=True, tag="listener-forgotten.v1", tag_field="type"):
    """A listener asked to be forgotten: what was learned from her streams is withdrawn.

    >>> ListenerForgotten(source="listeners/0", user_id="u1").user_id
    'u1'
    """

    source: Identifier
    user_id: Identifier

    def __post_init__(self) -> None:
        refuse_unless_identifiers(source=self.source, user_id=self.user_id)


class Interactions(Struct, frozen=True, kw_only=True, gc=False, tag="interactions.v1", tag_field="type"):
    """Interactions of one partition of listeners, in columns, in the order in which they became known.

    One record carries those of one transaction, because single records cost more to write and to fetch.

    >>> one = Interaction(event_id="s1", user_id="u1", card_id="c1", event_ms=0, played_ms=1000)
    >>> list(Interactions.of("listeners/0", [one, one]).interactions()) == [one, one]
    True
    """

    rules: ClassVar[Rules] = tuple(SameLength("event_id", name) for name in Interaction.__struct_fields__[1:])

    source: Identifier
    event_id: tuple[Identifier, ...]
    user_id: tuple[Identifier, ...]
    card_id: tuple[Identifier, ...]
    event_ms: tuple[EventMs, ...]
    played_ms: tuple[DurationMs, ...]
    organic: tuple[bool, ...]

    def __post_init__(self) -> None:
        refuse_unless_identifiers(source=self.source)
        obey(self)
        refuse_unless(min(self.played_ms, default=0) >= 0, "played_ms is negative")

    @classmethod
    def of(cls, source: str, interactions: Sequence[Interaction]) -> "Interactions":
        """Put interactions into columns."""
        columns = {name: tuple(getattr(one, name) for one in interactions) for name in COLUMNS}
        return cls(source=source, **columns)

    def interactions(self) -> Iterator[Interaction]:
        """Iterate over single interactions."""
        for row in zip(*self._columns(), strict=True):
            yield Interaction(**dict(zip(COLUMNS, row, strict=True)))

    def _columns(self) -> tuple[tuple[Any, ...], ...]:
        return _columns_of(self)


COLUMNS = Interaction.__struct_fields__
_columns_of = attrgetter(*COLUMNS)


FORGOTTEN_KEY = "forgotten"
"""Key of records with listeners to forget; the key of interactions is their source, which contains a slash."""

Learned = Interactions | ListenerForgotten
"""Messages of the learner's input topic."""
