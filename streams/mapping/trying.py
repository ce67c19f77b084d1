"""What becomes of each field of a row, whether the row can be mapped or not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from schemas.codec import UnreadableError
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from streams.mapping.expressions import Expression
from streams.mapping.foreign_files import Row
from streams.mapping.mapper import Mapper
from streams.mapping.unmappable import ZoneMissingError, shown


class Told(NamedTuple):
    """One field: its name, its expression, what it found, and the value of ours or the fault."""

    field: str
    expression: str
    found: str
    becomes: str
    is_fault: bool = False


class Tried(NamedTuple):
    """A row with its fields, and the message, None if it was passed over, or the fault."""

    row: Row
    fields: list[Told]
    message: Impression | StreamEnd | None
    error: UnreadableError | None

    def told(self) -> dict[str, Any]:
        """All of it as plain values."""
        result = "passed over by where" if self.message is None else "mapped"
        return {
            "row": self.row.number,
            "result": str(self.error) if self.error is not None else result,
            "fields": [told._asdict() for told in self.fields],
            "message": None if self.message is None else msgspec.to_builtins(self.message),
        }


def tried(mapper: Mapper, row: Row, *, in_detail: bool) -> Tried:
    """Map a row, and tell what became of each field; raises `ZoneMissingError`, which is not the row's fault."""
    if row.error is not None:
        return Tried(row, [], None, row.error)
    message, error = None, None
    try:
        message = mapper.message(row.event)
    except ZoneMissingError:
        raise
    except UnreadableError as fault:
        error = fault
    return Tried(row, list(_told(mapper, row.event, message)) if in_detail else [], message, error)


def _told(mapper: Mapper, event: Any, message: Struct | None) -> Iterator[Told]:
    if mapper.condition.expression is not None:
        yield _one("where", mapper.condition.expression, event, lambda: mapper.condition(event))
    named = set()
    for field in (*mapper.fields, *mapper.context, *mapper.row_fields):
        named.add(field.name)
        yield _one(field.name, field.expression, event, lambda field=field: field.read(event))
    if message is not None:
        for name in message.__struct_fields__:
            value = getattr(message, name)
            if name not in named and value not in (None, {}):
                yield Told(name, "", "", _becomes(name, msgspec.to_builtins(value)))


def _one(name: str, expression: Expression, event: Any, read: Any) -> Told:
    found, is_fault = None, False
    try:
        found = expression(event)
        value = read()
        becomes = _becomes(name, value)
    except UnreadableError as error:
        becomes, is_fault = error.detail, True
    return Told(name, expression.text, shown(found), becomes, is_fault)


def _becomes(name: str, value: Any) -> str:
    """A value of ours; a time as one can read it, too, so that a wrong unit or zone is seen."""
    if value is None:
        return "absent"
    if name in {"event_ms", "started_ms"}:
        return f"{value} ({datetime.fromtimestamp(value // 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return shown(value)
