"""Units of durations: from a header, with a check that streaming times are plausible."""

import re
from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from streams.configuration_error import ConfigurationError


class DurationUnit(StrEnum):
    """Unit of a column of durations; `auto` takes it from the header."""

    AUTO = "auto"
    HOURS = "hours"
    MINUTES = "minutes"
    SECONDS = "seconds"
    MS = "ms"


SECONDS_PER = {
    DurationUnit.HOURS: 3_600.0,
    DurationUnit.MINUTES: 60.0,
    DurationUnit.SECONDS: 1.0,
    DurationUnit.MS: 0.001,
}
WORDS = {
    DurationUnit.HOURS: {"h", "hr", "hrs", "hour", "hours"},
    DurationUnit.MINUTES: {"m", "min", "mins", "minute", "minutes"},
    DurationUnit.SECONDS: {"s", "sec", "secs", "second", "seconds"},
    DurationUnit.MS: {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"},
}
MEDIAN_S = (1.0, 86_400.0)
"""Plausible range of the median play, without skips: a second to a day."""
ASK = "give --duration-unit hours, minutes, seconds or ms"
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def unit_said(name: str) -> DurationUnit | None:
    """The unit that is a word of a column's name; None if there is none, or two.

    >>> [unit_said(name).value for name in ("hours", "msPlayed", "ms_played", "play time (min)", "SECONDS", "time_s")]
    ['hours', 'ms', 'ms', 'minutes', 'seconds', 'seconds']
    >>> unit_said("duration"), unit_said("hours_or_minutes"), unit_said("items")
    (None, None, None)
    """
    words = {part.lower() for part in _PARTS.findall(name)}
    said = [unit for unit, known in WORDS.items() if words & known]
    return said[0] if len(said) == 1 else None


def refuse_unless_of_this_world(name: str, unit: DurationUnit, seconds: Sequence[float], ask: str = ASK) -> None:
    """Raise `ConfigurationError` if the median of all plays is not a plausible streaming time."""
    played = [duration for duration in seconds if duration > 0.0]
    if not played:
        return
    middle_s = median(played)
    if not MEDIAN_S[0] <= middle_s <= MEDIAN_S[1]:
        raise ConfigurationError(
            f"{name}: read as {unit.value}, the median play lasts {middle_s:,.3g} s, which is not plausible"
            f" (1 s to 24 h): {ask}"
        )
