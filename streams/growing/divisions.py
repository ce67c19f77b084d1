"""How the state of each task with page partitions is divided: the owner of a row, and the rows of a new partition."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from processors import cards
from processors.experiments.exposure_memory import name_of_row as exposed
from processors.leaderboard.shadow_pages import name_of_row as weighed
from processors.settlement.state import division
from processors.settlement.state.row_keys import PARTITION_KEY
from streams.exactly_once.records.produced import StateRow
from streams.exactly_once.transactions.position import POSITION_KEY
from streams.exactly_once.transactions.restore import FORMAT_KEY
from streams.growing.growth import Growth
from streams.tasks.forwarding import GROWN_KEY, Followed, GrownRow, parents_of

Shared = Mapping[bytes, bytes]
"""Rows of no listener or card: those of the partition itself."""
_OF_EACH = (FORMAT_KEY, POSITION_KEY)
_OF_LISTENERS = (*_OF_EACH, PARTITION_KEY, GROWN_KEY, b"x/newest")
_SETS_OF_CANDIDATES = b"w/s/"
_OF_CARDS = (*_OF_EACH, cards.PARTITION_KEY, cards.GENERATIONS_KEY)


def _refuse_unknown(key: bytes, shared: tuple[bytes, ...]) -> None:
    """A new kind of row must be named here, or it would be copied to partitions that it does not belong to."""
    if key not in shared and not key.startswith(_SETS_OF_CANDIDATES):
        raise ValueError(f"{key!r} is a row of no known kind: say in streams/growing/divisions.py whose it is")


class Division(NamedTuple):
    """How to divide the state of one task.

    `owner_of` gives the key by which clients and tasks choose the partition of a row, or None for a shared one;
    `moved` the value of a row in its new partition; `of_heir` the shared rows of a new partition from those of the old
    one; `of_old` the shared rows of the old one that change.
    """

    task: str
    owner_of: Callable[[bytes], bytes | None]
    moved: Callable[[bytes, bytes], bytes]
    of_heir: Callable[[Shared, Growth, int], Iterable[StateRow]]
    of_old: Callable[[Shared, Growth, int], Iterable[StateRow]]


def _listener_of(key: bytes) -> bytes | None:
    r"""The id of the listener whose row this is.

    >>> _listener_of(b"l/ann"), _listener_of(b'i/a\\"b\0page'), _listener_of(b"w/p/ann\0page"), _listener_of(b"x/7/ann")
    (b'ann', b'a"b', b'ann', b'ann')
    >>> [_listener_of(key) for key in (b"p", b"w/s/7", b"x/newest", b"grown")]
    [None, None, None, None]
    >>> _listener_of(b"y/ann")
    Traceback (most recent call last):
    ValueError: b'y/ann' is a row of no known kind: say in streams/growing/divisions.py whose it is
    """
    name = division.name_of_row(key) or weighed(key) or exposed(key)
    if name is None:
        _refuse_unknown(key, _OF_LISTENERS)
        return None
    if b"\\" not in name:
        return name
    return msgspec.json.decode(b'"' + name + b'"', type=str).encode()


def _heir_of_listeners(shared: Shared, growth: Growth, heir: int) -> Iterable[StateRow]:
    row = _grown(shared, growth)
    partition = shared.get(PARTITION_KEY)
    followed = Followed(-1 if partition is None else division.watermark_in(partition))
    row.followed = dict.fromkeys(parents_of(heir, row.earlier), followed)
    yield StateRow(GROWN_KEY, msgspec.json.encode(row))
    for key, value in shared.items():
        if key != GROWN_KEY:
            yield StateRow(key, division.heirs_row(value) if key == PARTITION_KEY else value)


def _old_of_listeners(shared: Shared, growth: Growth, _partition: int) -> Iterable[StateRow]:
    yield StateRow(GROWN_KEY, msgspec.json.encode(_grown(shared, growth)))


def _grown(shared: Shared, growth: Growth) -> GrownRow:
    """The row of an old partition after this growth."""
    known = shared.get(GROWN_KEY)
    row = GrownRow() if known is None else msgspec.json.decode(known, type=GrownRow)
    row.earlier, row.has_told_last = (*row.earlier, growth.before), False
    return row


def _card_of(key: bytes) -> bytes | None:
    name = cards.name_of_row(key)
    if name is None:
        _refuse_unknown(key, _OF_CARDS)
    return name


def _heir_of_cards(shared: Shared, _growth: Growth, _heir: int) -> Iterable[StateRow]:
    for key, value in shared.items():
        yield StateRow(key, cards.heirs_row(value) if key == cards.PARTITION_KEY else value)


def _unchanged(_key: bytes, value: bytes) -> bytes:
    return value


LISTENERS = Division("listeners", _listener_of, division.moved_row, _heir_of_listeners, _old_of_listeners)
CARDS = Division("cards", _card_of, _unchanged, _heir_of_cards, lambda *_: ())
