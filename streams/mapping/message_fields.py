"""Fields of a message, each with the expression that finds it and the function that makes a value of ours of it."""

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from streams.mapping.event_times import moment_ms, zone_of
from streams.mapping.expressions import Expression
from streams.mapping.field_values import duration_ms, name_of, text_of
from streams.mapping.mapping_settings import Mapping, given
from streams.mapping.unmappable import UnmappableError, shown

Value = Callable[[str, Any], Any]
"""From the name of a setting, and what its expression found, to a value of a message."""
_M = TypeVar("_M", bound=Struct)
_DIGEST_BYTES = 12


class Field(NamedTuple):
    """One field of a message."""

    name: str
    expression: Expression
    value: Value
    is_required: bool = False

    def read(self, event: Any) -> Any:
        """The value in a record; None if an optional one is absent. Raises `UnmappableError`."""
        found = self.expression(event)
        if found is None:
            if self.is_required:
                setting, text = self.expression.setting, self.expression.text
                raise UnmappableError("missing_field", setting, f"`{text}` gives nothing")
            return None
        return self.value(self.expression.setting, found)


def field_of(mapping: Any, name: str, value: Value = name_of, *, is_required: bool = False) -> list[Field]:
    """The field of this name, if the mapping sets it."""
    text = getattr(mapping, name)
    return [Field(name, Expression(name, text), value, is_required)] if text else []


def time_field(mapping: Mapping, name: str, units_ms: dict[str, float]) -> list[Field]:
    """A time, whose setting says its unit."""
    zone = zone_of(mapping.timezone)
    return [
        Field(name, Expression(setting, getattr(mapping, setting)), _timed(units_ms[setting], zone), is_required=True)
        for setting in given(mapping, units_ms)
    ]


def duration_field(mapping: Mapping, name: str, units_ms: dict[str, float]) -> list[Field]:
    """A duration, whose setting says its unit."""
    return [
        Field(
            name,
            Expression(setting, getattr(mapping, setting)),
            partial(_duration, units_ms[setting]),
            is_required=True,
        )
        for setting in given(mapping, units_ms)
    ]


def context_fields(mapping: Mapping) -> list[Field]:
    """The entries of the context."""
    return [Field(name, Expression(f"context.{name}", text), text_of) for name, text in mapping.context.items()]


def values_of(fields: Iterable[Field], event: Any) -> dict[str, Any]:
    """The values of the fields that a record has."""
    read = ((field.name, field.read(event)) for field in fields)
    return {name: value for name, value in read if value is not None}


class Condition:
    """`where`: which records are meant. Without it, all are.

    >>> is_meant = Condition("type == 'play'")
    >>> is_meant({"type": "play"}), is_meant({"type": "pause"})
    (True, False)
    """

    def __init__(self, text: str) -> None:
        self.expression = Expression("where", text) if text else None

    def __call__(self, event: Any) -> bool:
        """Whether a record is meant, by JMESPath's rule of truth: 0 is true, what is empty is not."""
        if self.expression is None:
            return True
        found = self.expression(event)
        return found is not None and found is not False and found not in ("", [], {})


def digest_of(*identity: Any) -> str:
    """An event id that follows from content, so that the same event has the same id wherever it is read.

    >>> digest_of("u1", "c1", 5) == digest_of("u1", "c1", 5) != digest_of("u1", "c1", 6)
    True
    """
    return f"of-{blake2b(msgspec.json.encode(identity), digest_size=_DIGEST_BYTES).hexdigest()}"


def message_of(kind: type[_M], values: dict[str, Any]) -> _M:
    """The message, with every bound of its type checked; raises `UnmappableError`."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or next((word for word in said.split() if word in values), "record")
        found = f", and it is {shown(values[field])}" if field in values else ""
        raise UnmappableError("wrong_field", field, f"{said[:1].lower()}{said[1:]}{found}") from error


def _timed(unit_ms: float, zone: Any) -> Value:
    return lambda setting, found: moment_ms(setting, found, unit_ms, zone)


def _duration(unit_ms: float, setting: str, found: Any) -> int:
    return duration_ms(setting, found, unit_ms)
