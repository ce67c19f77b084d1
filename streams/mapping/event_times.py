"""Event times of foreign records: ISO 8601, or numbers since 1970 in a unit that the settings state."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas.fields import EVENT_MS_MAX
from streams.mapping.field_values import number_of
from streams.mapping.unmappable import UnmappableError, ZoneMissingError, shown

EARLIEST_MS = 631_152_000_000
"""1990: no stream is older. Seconds that are taken as milliseconds lie in 1970."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_CHARACTERS = len("2024-03-31")


@cache
def zone_of(name: str) -> tzinfo | None:
    """The time zone of this name; None for no name."""
    return ZoneInfo(name) if name else None


def moment_ms(field: str, value: Any, unit_ms: float, zone: tzinfo | None) -> int:
    """A time in milliseconds; a local one is in `zone`. Raises `UnmappableError`.

    >>> moment_ms("event_ms", "2024-03-31T03:03:00+02:00", 1.0, None)
    1711846980000
    >>> moment_ms("event_s", "1711846980.5", 1_000.0, None)
    1711846980500
    >>> moment_ms("event_ms", 1711846980, 1.0, None)
    Traceback (most recent call last):
    streams.mapping.unmappable.UnmappableError: wrong_field: event_ms: 1711846980 lies in 1970: is it in seconds, \
event_s?
    """
    if isinstance(value, datetime):
        found = _since_epoch_ms(field, value, value, zone)
    elif isinstance(value, str) and not _is_number(value):
        found = _since_epoch_ms(field, value, _parsed(field, value), zone)
    else:
        found = round(number_of(field, value) * unit_ms)
    if found < EARLIEST_MS:
        year = (_EPOCH + timedelta(milliseconds=found)).year if found > -EVENT_MS_MAX // 200 else "no year"
        hint = ": is it in seconds, event_s?" if year == _EPOCH.year and unit_ms == 1.0 else ""
        raise UnmappableError("wrong_field", field, f"{shown(value)} lies in {year}{hint}")
    if found > EVENT_MS_MAX:
        raise UnmappableError("wrong_field", field, f"{shown(value)} lies beyond the year 9999: in which unit is it?")
    return found


def _is_number(text: str) -> bool:
    """Whether a text is a number, which no ISO 8601 time with a time of day is."""
    return text.strip().replace(".", "", 1).isdigit()


def _parsed(field: str, text: str) -> datetime:
    if len(text) <= _DAY_CHARACTERS:
        raise UnmappableError("wrong_field", field, f"{shown(text)} is not a time in ISO 8601 with a time of day")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UnmappableError("wrong_field", field, f"{shown(text)} is not a time in ISO 8601") from None


def _since_epoch_ms(field: str, value: Any, moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            what = f'{shown(str(value))} has no time zone: state it in the settings, timezone = "Europe/Berlin"'
            raise ZoneMissingError("wrong_field", field, what)
        moment = _local(field, moment, zone)
    return (moment - _EPOCH) // _MILLISECOND


def _local(field: str, moment: datetime, zone: tzinfo) -> datetime:
    """A local time with its zone; of one that occurs twice, when clocks are put back, the earlier is taken.

    >>> _local("event_ms", datetime(2024, 3, 31, 2, 30), ZoneInfo("Europe/Berlin"))
    Traceback (most recent call last):
    streams.mapping.unmappable.UnmappableError: wrong_field: event_ms: there was no 2024-03-31 02:30:00 in \
Europe/Berlin: is timezone right?
    """
    local = moment.replace(tzinfo=zone, fold=0)
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    if before is not None and after is not None and before < after:  # clocks were put forward over it
        raise UnmappableError("wrong_field", field, f"there was no {moment} in {zone}: is timezone right?")
    return local
