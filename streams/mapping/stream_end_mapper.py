"""Foreign records of playing as stream-ends."""

from typing import Any

from schemas.stream_ends import StreamEnd
from streams.mapping.mapping_settings import PLAYED_UNITS_MS, START_UNITS_MS, TIME_UNITS_MS, StreamEndMapping
from streams.mapping.message_fields import (
    Condition,
    Field,
    context_fields,
    digest_of,
    duration_field,
    field_of,
    message_of,
    time_field,
    values_of,
)


class StreamEndMapper:
    """Maps one record at a time, without state.

    >>> mapping = StreamEndMapping(user_id="who", card_id="what", played_s="secs", event_s="at", where="secs > `1`")
    >>> mapper = StreamEndMapper(mapping)
    >>> mapper.message({"who": "u1", "what": "c1", "secs": 30, "at": 1_700_000_000}).started_ms
    1699999970000
    >>> mapper.message({"who": "u1", "what": "c1", "secs": 1, "at": 1_700_000_000})
    >>> mapper.message({"what": "c1", "secs": 30, "at": 1_700_000_000})
    Traceback (most recent call last):
    streams.mapping.unmappable.UnmappableError: missing_field: user_id: `who` gives nothing
    """

    def __init__(self, mapping: StreamEndMapping) -> None:
        self.mapping = mapping
        self.condition = Condition(mapping.where)
        self.fields = [
            *field_of(mapping, "user_id", is_required=True),
            *field_of(mapping, "card_id", is_required=True),
            *time_field(mapping, "event_ms", TIME_UNITS_MS),
            *time_field(mapping, "started_ms", START_UNITS_MS),
            *duration_field(mapping, "played_ms", PLAYED_UNITS_MS),
            *field_of(mapping, "event_id", is_required=True),
            *field_of(mapping, "impression_id"),
            *field_of(mapping, "surface"),
        ]
        self.context = context_fields(mapping)
        self.row_fields: list[Field] = []

    def message(self, event: Any) -> StreamEnd | None:
        """The stream-end of a record; None if `where` passes it over. Raises `UnmappableError`."""
        if not self.condition(event):
            return None
        values = values_of(self.fields, event)
        played_ms = values["played_ms"]
        if "event_ms" not in values:
            values["event_ms"] = values["started_ms"] + played_ms
        elif "started_ms" not in values:
            values["started_ms"] = max(0, values["event_ms"] - played_ms)
        if "event_id" not in values:
            identity = (values["user_id"], values["card_id"], values["started_ms"], values["event_ms"], played_ms)
            values["event_id"] = digest_of("stream-end", *identity)
        if self.context:
            values["context"] = values_of(self.context, event)
        return message_of(StreamEnd, {"type": "stream-end.v1", **values})
