"""Integers written as whole floats: `1.7e12` and `5.0` are integers in JSON Schema and in JavaScript."""

from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")
WHOLE_MAX = 2.0**63


def with_whole_numbers(value: Any) -> Any:
    """Convert whole floats in a decoded JSON value to integers; raises `RecursionError`.

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
    """Decode JSON that others wrote, whole floats as integers; raises msgspec's errors.

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
    """Whether decoding failed because of a float in the place of an integer."""
    return "Expected `int" in str(error) and "got `float`" in str(error)
