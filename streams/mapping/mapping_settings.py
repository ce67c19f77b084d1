"""Settings of mappings: for each field of our message, a JMESPath expression over a record of theirs."""

import re
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.topics import TOPICS

Format = Literal["json", "csv", "cloudevents", "avro", "protobuf", "json-schema"]
REGISTERED: tuple[Format, ...] = ("avro", "protobuf")
"""Formats whose schemas come from a registry."""

PLAYED_UNITS_MS = {"played_ms": 1.0, "played_s": 1_000.0, "played_min": 60_000.0, "played_h": 3_600_000.0}
TIME_UNITS_MS = {"event_ms": 1.0, "event_s": 1_000.0}
START_UNITS_MS = {"started_ms": 1.0, "started_s": 1_000.0}
"""Settings by the unit in their names: a unit is stated, never guessed."""

_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class RecordMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both mappings say: how a record is read, whose it is, when it happened, and whether it is passed over."""

    user_id: str
    topic: str = ""
    format: Format = "json"
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    timezone: str = ""
    where: str = ""
    event_id: str = ""
    event_ms: str = ""
    event_s: str = ""
    surface: str = ""
    context: dict[str, str] = {}

    def __post_init__(self) -> None:
        _refuse_unless_readable(self)


class StreamEndMapping(RecordMapping, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was played, of other teams' records.

    Numbers are in the unit of the setting's name; a text that is not a number is a time in ISO 8601. `timezone` is that
    of times without one. Records for which `where` is false are passed over. Without `event_id` the id is a digest of
    listener, card, times and duration, so that duplicates remain duplicates. Without the start, it is the end less the
    duration; without the end, the start plus the duration.

    >>> StreamEndMapping(user_id="username", card_id="track", played_ms="ms_played", event_ms="ts").format
    'json'
    >>> StreamEndMapping(user_id="username", card_id="track", event_ms="ts")
    Traceback (most recent call last):
    ValueError: the duration needs a unit: set one of played_ms, played_s, played_min, played_h
    """

    card_id: str
    started_ms: str = ""
    started_s: str = ""
    played_ms: str = ""
    played_s: str = ""
    played_min: str = ""
    played_h: str = ""
    impression_id: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of(self, PLAYED_UNITS_MS, "the duration needs a unit")
        ended, started = given(self, TIME_UNITS_MS), given(self, START_UNITS_MS)
        if len(ended) > 1 or len(started) > 1:
            raise ValueError(f"{' and '.join(ended if len(ended) > 1 else started)} name one time: set one of them")
        if not ended and not started:
            raise ValueError("the time is missing: set event_ms or event_s, or started_ms or started_s")


class ImpressionMapping(RecordMapping, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was shown, of other teams' records.

    `shelves` gives a list; the expressions of a shelf (`shelf_id`, `cards`, `seen`, propensities) apply to each of its
    elements. Without `shelves` they apply to the record, which is one shelf. `seen` gives the places that were seen,
    from 0, or a truth value for each card, or card ids; `seen_count` gives how many from the first on; or `all_seen`
    is true. Without `propensities` a page counts as certain, with probability 1.

    >>> ImpressionMapping(user_id="u", event_s="t", shelf_id="'row'", cards="items")
    Traceback (most recent call last):
    ValueError: what was seen is missing: set one of seen, seen_count, all_seen
    """

    shelf_id: str
    cards: str
    shelves: str = ""
    seen: str = ""
    seen_count: str = ""
    all_seen: bool = False
    propensities: str = ""
    propensity: str = ""
    order_log_propensities: str = ""
    row_log_propensity: str = ""
    variant: str = ""
    policy_version: str = ""
    reward_version: str = ""
    model_version: str = ""
    assignments: str = ""
    ranking_number: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_of(self, TIME_UNITS_MS, "the time is missing")
        _one_of(self, ("seen", "seen_count", "all_seen"), "what was seen is missing")


Mapping = StreamEndMapping | ImpressionMapping


class InputSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mappings; None where clients send our own messages.

    >>> InputSettings().by_topic()
    {}
    """

    stream_ends: StreamEndMapping | None = None
    impressions: ImpressionMapping | None = None

    def __post_init__(self) -> None:
        named = [one.topic for one in self.by_topic().values() if one.topic]
        if len(set(named)) < len(named):
            raise ValueError(f"stream_ends and impressions both read {named[0]}: a topic has one mapping")

    def by_topic(self) -> dict[str, Mapping]:
        """The mappings by the topic of ours that they fill."""
        found = {"impressions": self.impressions, "stream-ends": self.stream_ends}
        return {topic: mapping for topic, mapping in found.items() if mapping is not None}


def given(mapping: Any, names: Any) -> list[str]:
    """Those of these settings that are set."""
    return [name for name in names if getattr(mapping, name)]


def section_of(mapping: Mapping) -> str:
    """The section of the settings that holds a mapping of this kind."""
    return "input.stream_ends" if isinstance(mapping, StreamEndMapping) else "input.impressions"


def _one_of(mapping: Any, names: Any, what: str) -> None:
    found = given(mapping, names)
    if not found:
        raise ValueError(f"{what}: set one of {', '.join(names)}")
    if len(found) > 1:
        raise ValueError(f"{' and '.join(found)} exclude each other: set one of them")


def _refuse_unless_readable(mapping: Any) -> None:
    """Refuse names, formats and zones that cannot be read."""
    topic = mapping.topic
    if topic and not _TOPIC_NAME.fullmatch(topic):
        raise ValueError(f"topic {topic!r} is not a name of a Kafka topic")
    if topic in TOPICS or topic.startswith("mapping-"):
        raise ValueError(f"topic {topic} is one of ours: name the topic in which the foreign records are")
    if mapping.format != "csv" and mapping.columns:
        raise ValueError(f"columns are for format csv, and this is {mapping.format}")
    if mapping.format == "csv" and topic and not mapping.columns:
        raise ValueError("a record of a topic has no header line: name the fields of a line in columns")
    if len(mapping.delimiter) != 1:
        raise ValueError(f"delimiter {mapping.delimiter!r} must be one character")
    if mapping.timezone:
        try:
            ZoneInfo(mapping.timezone)
        except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError, and names no cause
            raise ValueError(f"timezone {mapping.timezone!r} is not known") from error
        except KeyError as error:
            raise ValueError(
                f"timezone {mapping.timezone!r} is not known: use a name like Europe/Berlin or UTC"
            ) from error
