"""Values of foreign records as values of ours: strict, so that nothing is guessed.

Each function takes the name of the field for its error, and raises `UnmappableError`.
"""

from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from schemas.fields import IDENTIFIER_MAX
from streams.files.tables import number
from streams.mapping.unmappable import UnmappableError, shown


def name_of(field: str, value: Any) -> str:
    """An identifier: text, or a whole number.

    >>> name_of("user_id", "u1"), name_of("user_id", 17)
    ('u1', '17')
    >>> name_of("user_id", 1.5)
    Traceback (most recent call last):
    streams.mapping.unmappable.UnmappableError: wrong_field: user_id: 1.5 is not an identifier
    """
    if isinstance(value, str):
        text = value
    elif isinstance(value, int | UUID) and not isinstance(value, bool):
        text = str(value)
    else:
        raise UnmappableError("wrong_field", field, f"{shown(value)} is not an identifier")
    if not 1 <= len(text) <= IDENTIFIER_MAX:
        raise UnmappableError("wrong_field", field, f"has {len(text)} characters: an identifier has 1 to 256")
    return text


def text_of(field: str, value: Any) -> str:
    """A text of a context: truth values and numbers as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | UUID | Decimal):
        return str(value)
    raise UnmappableError("wrong_field", field, f"{shown(value)} is not a text")


def number_of(field: str, value: Any) -> float:
    """A number, or a text that is one.

    >>> number_of("played_s", "28.5"), number_of("played_s", 7)
    (28.5, 7)
    >>> number_of("played_s", True)
    Traceback (most recent call last):
    streams.mapping.unmappable.UnmappableError: wrong_field: played_s: True is not a number
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        found: float = value
    elif isinstance(value, Decimal):
        found = float(value)
    elif isinstance(value, str):
        try:
            found = number(field, value.strip())
        except ValueError:
            raise UnmappableError("wrong_field", field, f"{shown(value)} is not a number") from None
    else:
        raise UnmappableError("wrong_field", field, f"{shown(value)} is not a number")
    if not isfinite(found):
        raise UnmappableError("wrong_field", field, f"{found} is not a number")
    return found


def whole_of(field: str, value: Any) -> int:
    """A whole number, however it is written.

    >>> whole_of("ranking_number", "3"), whole_of("ranking_number", 3.0)
    (3, 3)
    """
    found = number_of(field, value)
    if found != int(found):
        raise UnmappableError("wrong_field", field, f"{shown(value)} is not a whole number")
    return int(found)


def duration_ms(field: str, value: Any, unit_ms: float) -> int:
    """A duration in milliseconds.

    >>> duration_ms("played_min", "2.5", 60_000.0)
    150000
    """
    found = number_of(field, value) * unit_ms
    if not 0 <= found < 2**53:
        raise UnmappableError("wrong_field", field, f"{shown(value)} is not a duration")
    return round(found)


def list_of(field: str, value: Any) -> list[Any]:
    """A list."""
    if isinstance(value, list | tuple):
        return list(value)
    raise UnmappableError("wrong_field", field, f"{shown(value)} is not a list")
