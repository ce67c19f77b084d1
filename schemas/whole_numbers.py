"""Whole numbers that were written as floats: `1.7e12` and `5.0` are integers by JSON Schema, and by JavaScript."""

from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")
WHOLE_MAX = 2.0**63


def with_whole_numbers(value: Any) -> Any:
    """The same value, decoded from JSON, with each float that is whole as an integer; raises `RecursionError`.

    >>> with_whole_numbers({"event_ms": 1.7e12, "seen": [0.0, 0.5], "name": "1.0"})
    {'event_ms': 1700000000000, 'seen': [0, 0.5], 'name': '1.0'}
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < WHOLE_MAX else value
    if isinstance(value, list):
        return [with_whole_numbers(one) for one in value]
    if isinstance(value, dict):
        return {key: with_whole_numbers(one) for key, one in value.items()}
    return value


def decoded(decoder: "msgspec.json.Decoder[_T]", value: bytes | str) -> _T:
    """What these bytes say, for whoever reads what others wrote: by one rule; raises msgspec's errors.

    >>> decoded(msgspec.json.Decoder(dict[str, int]), b'{"event_ms": 1.7e12}')
    {'event_ms': 1700000000000}
    """
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        if not _is_about_a_float(error):
            raise
        return msgspec.convert(with_whole_numbers(msgspec.json.decode(value)), decoder.type)


def _is_about_a_float(error: msgspec.ValidationError) -> bool:
    """Whether a message was refused for a float where an integer belongs."""
    return "Expected `int" in str(error) and "got `float`" in str(error)
