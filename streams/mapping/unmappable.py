"""A record that a mapping cannot turn into a message: which field, and what is wrong with it."""

from typing import Literal

from schemas.codec import UnreadableError

Fault = Literal["missing_field", "wrong_field"]


class UnmappableError(UnreadableError):
    """A field is missing or wrong; its name comes first in the detail.

    >>> print(UnmappableError("wrong_field", "played_s", "'long' is not a number"))
    wrong_field: played_s: 'long' is not a number
    """

    def __init__(self, reason: Fault, field: str, what: str) -> None:
        super().__init__(reason, f"{field}: {what}")
        self.field = field


class ZoneMissingError(UnmappableError):
    """A local time, and no `timezone` in the settings: a fault of the mapping, not of the record."""


def shown(value: object) -> str:
    """A value as part of a message, cut to a line.

    >>> shown("a" * 90)[-5:], shown({"a": 1})
    ("aaa…'", "{'a': 1}")
    """
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…{text[-1]}"


def counted_as(error: UnreadableError) -> str:
    """The name under which a rejected record is counted.

    >>> counted_as(UnmappableError("missing_field", "user_id", "..."))
    'missing_field user_id'
    """
    return f"{error.reason} {error.field}" if isinstance(error, UnmappableError) else error.reason
