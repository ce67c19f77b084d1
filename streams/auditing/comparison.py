"""Compares the outputs of two runs: the newest value of each key, byte for byte."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, json

from streams.auditing.own_messages import DECODERS
from streams.auditing.reading import read_records

NEWEST = ("shelf-rankings",)
EVERY = ("outcomes", "interactions", "experiment-exposures")
SUMS = ("card-statistics",)
IN_COLUMNS = (b'{"type":"outcomes-settled.v1"', b'{"type":"interactions.v1"')
RELATIVE = 1e-9


class Snapshot(Struct, frozen=True, kw_only=True):
    """The outputs of a run, small enough for a file.

    `digests` has the digest of the newest value by topic and key; for topics that are not compacted, that of all values
    of the key in byte order, because the order in which partitions wrote to a third is not defined. `sums` has the
    numbers of each card, because the last bits of a sum depend on that order.
    """

    digests: dict[str, dict[str, str]]
    sums: dict[str, dict[str, list[float]]]


async def snapshot(bootstrap: str, options: Mapping[str, Any] | None = None) -> Snapshot:
    """Take a snapshot of committed records."""
    digests: dict[str, dict[str, str]] = {}
    sums: dict[str, dict[str, list[float]]] = {}
    for topic in (*NEWEST, *EVERY, *SUMS):
        values: dict[str, list[bytes]] = defaultdict(list)
        async for record in read_records(bootstrap, topic, options):
            if topic not in EVERY:
                values.pop(_name(record.key), None)
            if record.value is not None:
                values[_name(record.key)].extend(_parts(record.value))
        if topic in SUMS:
            sums[topic] = {key: _numbers(topic, value) for key, (value,) in values.items()}
        else:
            digests[topic] = {key: _digest(some) for key, some in values.items()}
    return Snapshot(digests=digests, sums=sums)


def differences(found: Snapshot, reference: Snapshot) -> Iterator[str]:
    """List all keys whose values differ from the reference.

    >>> one = Snapshot(digests={"t": {"a": "1"}}, sums={"s": {"c": [0.1 + 0.2]}})
    >>> list(differences(one, Snapshot(digests={"t": {"a": "2"}}, sums={"s": {"c": [0.3]}})))
    ['t a differs']
    """
    for topic, expected in reference.digests.items():
        have = found.digests.get(topic, {})
        for key in sorted(have.keys() | expected.keys()):
            if have.get(key) != expected.get(key):
                yield f"{topic} {key} {_how(key in have, key in expected)}"
    for topic, numbers in reference.sums.items():
        have_sums = found.sums.get(topic, {})
        for key in sorted(have_sums.keys() | numbers.keys()):
            if not _close(have_sums.get(key, []), numbers.get(key, [])):
                yield f"{topic} {key} {_how(key in have_sums, key in numbers)}"


def _how(is_here: bool, is_there: bool) -> str:
    return "differs" if is_here and is_there else "is missing" if is_there else "should not be there"


def _close(found: list[float], expected: list[float]) -> bool:
    return len(found) == len(expected) and all(
        math.isclose(one, other, rel_tol=RELATIVE, abs_tol=RELATIVE) for one, other in zip(found, expected, strict=True)
    )


def _numbers(topic: str, value: bytes) -> list[float]:
    told = DECODERS[topic].decode(value)
    return [*told.exposures, *(number for name in sorted(told.rewards) for number in told.rewards[name].total)]


def _parts(value: bytes) -> Iterator[bytes]:
    """Split a record into its items, because their grouping into records is not defined.

    >>> list(_parts(b'{"type":"outcomes-settled.v1","row":[1,2],"page":[0,0],"logged":["a"]}'))
    [b'{"row":1,"logged":"a","credits":[]}', b'{"row":2,"logged":"a","credits":[]}']
    """
    if not value.startswith(IN_COLUMNS):
        yield value
        return
    body = json.decode(value)
    logged, page, earned = body.pop("logged", None), body.pop("page", ()), iter(body.pop("credits", None) or ())
    columns = {name: column for name, column in body.items() if isinstance(column, list)}
    if page:
        columns["logged"] = [logged[number] for number in page]
        columns["credits"] = [next(earned, []) if played_ms else [] for played_ms in body.get("played_ms", page)]
    same = {name: one for name, one in body.items() if not isinstance(one, list) and name != "type"}
    for row in zip(*columns.values(), strict=True):
        yield json.encode({**same, **dict(zip(columns, row, strict=True))})


def _digest(values: list[bytes]) -> str:
    return hashlib.sha256(b"\0".join(sorted(values))).hexdigest()


def _name(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")


def load_snapshot(data: bytes) -> Snapshot:
    """Decode a snapshot; raises `msgspec.ValidationError` if it is not one."""
    return json.decode(data, type=Snapshot)
