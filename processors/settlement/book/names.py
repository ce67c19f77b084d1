"""Interns names as numbers; bytes are kept in the form between the quotes of JSON."""

from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray, Offset, Place
from processors.compiled import borrowing, by_reference, fused
from processors.settlement.book.growing import grown
from processors.settlement.book.layout import HASH_AHEAD, NAME, NO_TEXT, NONE, Records
from processors.wire.hash_index import NOWHERE, candidate, home, new_index, place_in, put, with_entries
from processors.wire.hashing import hash_of
from processors.wire.loads import WORD, address_of, copy_words, word_at
from processors.wire.name_index import name_of


@by_reference
class Names(NamedTuple):
    """Interned names, numbered in order of first appearance; single names are never removed."""

    counts: IntArray  # [2]: number of names, and of bytes
    rows: Records  # NAME
    entries: IntArray  # see `hash_index`
    text: IntArray  # uint8


def new_names() -> Names:
    """An empty table."""
    counts = np.zeros(2, dtype=np.int64)
    return Names(counts, np.zeros(16, dtype=NAME), new_index(), np.zeros(256, dtype=np.uint8))


def names_with_room(names: Names, more: int, text: int) -> Names:
    """The same table with room for `more` names and `text` bytes."""
    count, used = names.counts.tolist()
    return Names(
        counts=names.counts,
        rows=grown(names.rows, count + more),
        entries=with_entries(names.entries, count + more),
        text=grown(names.text, used + text + HASH_AHEAD),
    )


@borrowing
def number_of(names: Names, data: IntArray, start: Offset, end: Offset) -> Place:
    """Number of a name, added if new; there must be room."""
    key = hash_of(address_of(data), start, end)
    at = candidate(names.entries, key, home(names.entries, key))
    while at != NOWHERE:
        known = place_in(names.entries, at)
        if same_text(names.text, names.rows[known]["start"], names.rows[known]["end"], data, start, end):
            return known
        at = candidate(names.entries, key, at + 1)
    number, first = names.counts[0], names.counts[1]
    row = names.rows[number]
    row["start"], row["end"] = first, first + end - start
    put(names.entries, key, number)
    names.counts[0] = number + 1
    names.counts[1] = copy_words(address_of(names.text), first, address_of(data), start, end)
    return Place(number)


@borrowing
def number_texts(names: Names, data: IntArray, spans: IntArray, numbers: IntArray) -> None:
    """Number the names at spans [n, 2] of `data`; -1 for a span that begins at -1. There must be room."""
    for place in range(len(spans)):
        start, end = spans[place, 0], spans[place, 1]
        numbers[place] = NONE if start == NO_TEXT else number_of(names, data, start, end)


def names_from(names: Names, first: int) -> list[str]:
    """The names from number `first` on, decoded."""
    rows = names.rows[first : int(names.counts[0])]
    spans = zip(rows["start"].tolist(), rows["end"].tolist(), strict=True)
    return [text_of(names.text, start, end) for start, end in spans]


def text_of(text: IntArray, start: int, end: int) -> str:
    """A span of text, decoded."""
    return name_of(text[start:end].tobytes())


@borrowing
def is_later_text(text: IntArray, start: Offset, end: Offset, other_start: Offset, other_end: Offset) -> bool:
    """Whether one text sorts after another, bytewise."""
    for offset in range(min(end - start, other_end - other_start)):
        one, other = text[start + offset], text[other_start + offset]
        if one != other:
            return bool(one > other)
    return bool(end - start > other_end - other_start)


@fused
def same_text(
    text: IntArray, start: Offset, end: Offset, other: IntArray, other_start: Offset, other_end: Offset
) -> bool:
    """Whether two spans hold the same bytes, compared by words: eight bytes beyond each must be readable."""
    if end - start != other_end - other_start:
        return False
    one, two, left = address_of(text), address_of(other), int(end - start)
    while left >= WORD:
        if word_at(one, start) != word_at(two, other_start):
            return False
        start, other_start, left = start + WORD, other_start + WORD, left - WORD
    # words are little-endian: the shift discards the bytes after the spans
    unlike = word_at(one, start) ^ word_at(two, other_start)
    return left == 0 or unlike << np.uint64(8 * (WORD - left)) == 0
