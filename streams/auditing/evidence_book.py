"""The evidence on policies: weighed pages in the order of their topic, and the newest values that follow from them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.auditing.own_evidence import PagesWeighedRead, PolicyValueRead

PageName = tuple[str, str]


class PageEntry(NamedTuple):
    """A page when it settled, or was corrected."""

    name: PageName
    candidates: tuple[str, ...]
    is_first: bool
    places: tuple[tuple[int, int], ...]  # row and slot
    played_ms: tuple[int, ...]
    previous_ms: tuple[int, ...]
    weights: tuple[tuple[float, ...], ...]  # by candidate
    pooled: tuple[tuple[float, ...], ...]


class EvidenceBook:
    """Takes weighed pages and values; a value without content withdraws its key."""

    def __init__(self) -> None:
        self.entries: list[PageEntry] = []
        self.values: dict[str, PolicyValueRead] = {}

    def take(self, key: str, message: PagesWeighedRead | PolicyValueRead | None) -> None:
        """Enter a record of weighed pages, or a value, or its withdrawal."""
        if message is None:
            self.values.pop(key, None)
        elif isinstance(message, PolicyValueRead):
            self.values[key] = message
        else:
            self.entries.extend(_entries(message))

    def chains(self) -> dict[PageName, list[PageEntry]]:
        """The entries of each page, in order."""
        found: dict[PageName, list[PageEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.name, []).append(entry)
        return found


def _entries(message: PagesWeighedRead) -> Iterator[PageEntry]:
    names, start = tuple(message.candidates), 0
    whose = zip(message.user_id, message.impression_id, message.is_first, message.seen, strict=True)
    for user_id, impression_id, is_first, seen in whose:
        part = slice(start, start + seen)
        start += seen
        yield PageEntry(
            name=(user_id, impression_id),
            candidates=names,
            is_first=is_first,
            places=tuple(zip(message.row[part], message.slot[part], strict=True)),
            played_ms=tuple(message.played_ms[part]),
            previous_ms=tuple(message.previous_ms[part]),
            weights=tuple(_in_ones(column[part]) for column in message.weights),
            pooled=tuple(_in_ones(column[part]) for column in message.pooled or message.weights),
        )


def _in_ones(weights: Sequence[int]) -> tuple[float, ...]:
    return tuple(weight / 4_096 for weight in weights)
