"""Seeded corruption of valid messages: cuts, flips, wrong types, missing keys, impossible values, unknown versions."""

import string
from collections.abc import Callable
from random import Random
from typing import Any

import orjson

LARGE_BYTES = 1_200_000
WRONG: tuple[Any, ...] = (None, True, 17, -3.5, "seventeen", [], [1, "2"], {}, {"nested": {"deep": []}})
HUGE: tuple[Any, ...] = (2**53, 2**63, 2**64, 10**18, 1e300, "x" * 300, "x" * 5_000)


def truncate(value: bytes, random: Random) -> bytes:
    """Truncate it."""
    return value[: random.randrange(len(value))]


def flip(value: bytes, random: Random) -> bytes:
    """Flip up to three bits."""
    spoiled = bytearray(value)
    for _ in range(random.randint(1, 3)):
        spoiled[random.randrange(len(spoiled))] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def swap_digit(value: bytes, random: Random) -> bytes:
    """Replace one digit or letter: often still a valid message, but another one."""
    spoiled = bytearray(value)
    places = [index for index, byte in enumerate(spoiled) if chr(byte).isalnum()]
    spoiled[random.choice(places)] = ord(random.choice(string.ascii_lowercase + string.digits))
    return bytes(spoiled)


def change_type(value: bytes, random: Random) -> bytes:
    """Replace one value by one of another type."""
    return _with_one_place(value, random, lambda holder, key: _put(holder, key, random.choice(WRONG)))


def drop_key(value: bytes, random: Random) -> bytes:
    """Remove one key."""
    return _with_one_place(value, random, lambda holder, key: holder.pop(key))


def negate(value: bytes, random: Random) -> bytes:
    """Make one number negative."""
    return _with_one_place(value, random, lambda holder, key: _put(holder, key, -abs(_number(holder[key])) - 1))


def enlarge(value: bytes, random: Random) -> bytes:
    """Make one value huge, or occasionally the whole message."""
    if random.random() < 0.001:
        body = orjson.loads(value)
        body["context"] = {"padding": "x" * LARGE_BYTES}
        return orjson.dumps(body)
    return _with_one_place(value, random, lambda holder, key: _put(holder, key, random.choice(HUGE)))


def rename_version(value: bytes, random: Random) -> bytes:
    """Change its version, or its type."""
    body = orjson.loads(value)
    body["type"] = random.choice(("impression.v2", "stream-end.v0", "impression", "", "outcomes-settled.v1"))
    return orjson.dumps(body)


def nullify(value: bytes, random: Random) -> bytes:
    """Replace one value by null, or return no message at all."""
    if random.random() < 0.2:
        return random.choice((b"", b"null"))
    return _with_one_place(value, random, lambda holder, key: _put(holder, key, None))


def duplicate(value: bytes, random: Random) -> bytes:  # noqa: ARG001  one shape for all
    """Repeat the whole message."""
    return value + value


Mutation = Callable[[bytes, Random], bytes]
MUTATIONS: tuple[Mutation, ...] = (
    truncate, flip, swap_digit, change_type, drop_key, negate, enlarge, rename_version, nullify, duplicate,
)  # fmt: skip


def mutated(value: bytes, random: Random) -> tuple[str, bytes]:
    """Apply one mutation to a valid message; returns its name and the result.

    >>> name, spoiled = mutated(b'{"type":"impression.v1","event_ms":5}', Random(3)); name, spoiled != b""
    ('change_type', True)
    """
    mutation = random.choice(MUTATIONS)
    return mutation.__name__, mutation(value, random)


def _with_one_place(value: bytes, random: Random, change: Callable[[Any, Any], Any]) -> bytes:
    """Change one value, at any depth."""
    body = orjson.loads(value)
    holder: Any = body
    key = random.choice(list(holder))
    while isinstance(holder[key], dict | list) and holder[key] and random.random() < 0.8:
        holder = holder[key]
        key = random.choice(list(holder)) if isinstance(holder, dict) else random.randrange(len(holder))
    change(holder, key)
    try:
        return orjson.dumps(body)
    except TypeError:  # an integer beyond 64 bits: as text, which orjson does not write
        return value.replace(b":", b":9" + b"9" * 30, 1)


def _put(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 1
