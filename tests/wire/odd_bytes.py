"""Ways in which another producer writes the same message, or nearly the same: what readers have to tell apart."""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from streams.benchmarks.mutator import mutated

SYMBOLS = b'{}[]",:\\ \t\n\r\x00\x1f\x7f\x80\xbf\xc0\xc3\xe2\xed\xa0\xf0\x9f\xf4\xff0123456789.-+eEnulltruefalse'
NUMBERS = (
    b"0", b"-0", b"00", b"01", b"1", b"1.0", b"1.", b"1.5", b"0.", b".5", b"0.0", b"0.50", b"1.00", b"2", b"1e0",
    b"5e-1", b"5E-1", b"1e-05", b"0.5e0", b"1e400", b"1e-400", b"5e-9", b"1e-0", b"0e-5",
    b"9.99e-01", b"1.5e-99", b"2e-100", b"1.0e-2",
    b"-1", b"+1",
    b"253402300799999", b"253402300800000",    b"2678400000", b"2678400001", b"999999999999999",
    b"1000000000000000", b"9223372036854775808",
    b"18446744073709551616", b"0.1000000000000000055511151231", b"0.00000000000000000000", b"0.99999999999999999999999",
    b"1.00000000000000000000001", b"NaN", b"Infinity", b"null", b"true", b'"1"', b"",
)  # fmt: skip


def spaced(value: bytes, random: Random) -> bytes:
    """As `json.dumps` writes it, with spaces, maybe on many lines."""
    return _rewritten(value, lambda body: json.dumps(body, ensure_ascii=False, indent=random.choice((None, 0, 2))))


def escaped(value: bytes, _: Random) -> bytes:
    return _rewritten(value, json.dumps)


def reordered(value: bytes, random: Random) -> bytes:
    def shuffled(body: Any) -> Any:
        if isinstance(body, list):
            return [shuffled(one) for one in body]
        if isinstance(body, dict):
            items = [(key, shuffled(one)) for key, one in body.items()]
            return dict(random.sample(items, len(items)))
        return body

    return _rewritten(value, lambda body: json.dumps(shuffled(body), ensure_ascii=False, separators=(",", ":")))


def said_twice(value: bytes, random: Random) -> bytes:
    """One of the fields stands there again."""
    found = list(re.finditer(rb'"\w+":(?:"[^"\\]*"|[\w.]+|\[[^][{]*\])', value))
    return b"".join((value[:-1], b",", random.choice(found)[0], b"}")) if found else value


def another_number(value: bytes, random: Random) -> bytes:
    places = list(re.finditer(rb"(?<=[:,\[])[0-9.]+(?=[,\]}])", value))
    if not places:
        return value
    place = random.choice(places)
    return value[: place.start()] + random.choice(NUMBERS) + value[place.end() :]


def symbol_put_in(value: bytes, random: Random) -> bytes:
    at = random.randrange(len(value) + 1)
    return value[:at] + bytes([random.choice(SYMBOLS)]) + value[at:]


def symbol_taken_out(value: bytes, random: Random) -> bytes:
    at = random.randrange(len(value))
    return value[:at] + value[at + 1 :]


def long_name(value: bytes, random: Random) -> bytes:
    """A string becomes as long as may be, or one longer."""
    name = random.choice(("x", "é", "語", "😀")) * random.choice((0, 1, 255, 256, 257))
    places = list(re.finditer(rb'"[^"\\]*"', value))
    place = random.choice(places)
    return value[: place.start()] + f'"{name}"'.encode() + value[place.end() :]


def without_default(value: bytes, random: Random) -> bytes:
    def dropped(body: Any) -> Any:
        return {key: one for key, one in body.items() if key in ("type", "shelves") or random.random() < 0.8}

    return _rewritten(value, lambda body: json.dumps(dropped(body), ensure_ascii=False))


def mutated_value(value: bytes, random: Random) -> bytes:
    return mutated(value, random)[1]


def unchanged(value: bytes, _: Random) -> bytes:
    return value


WAYS: tuple[Callable[[bytes, Random], bytes], ...] = (
    spaced, escaped, reordered, said_twice, another_number, symbol_put_in, symbol_taken_out, long_name, without_default,
    mutated_value, unchanged,
)  # fmt: skip


def odd(value: bytes, random: Random) -> bytes:
    """One way of these, or two."""
    for _ in range(random.choice((1, 1, 2))):
        try:
            value = random.choice(WAYS)(value, random)
        except (ValueError, IndexError, TypeError, AttributeError, UnicodeDecodeError):  # no JSON any more
            return value
    return value


def _rewritten(value: bytes, write: Callable[[Any], str]) -> bytes:
    return write(json.loads(value)).encode("utf-8", "surrogatepass")
