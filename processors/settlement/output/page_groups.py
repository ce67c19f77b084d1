"""The soft group of a listener when a page was shown, kept behind the page in millionths.

An exposure is counted under this group when it settles and when it is corrected: the page's own streams do not affect
it, nor does later learning. The group is that of the plays that had ended when the page was shown, whenever they
arrive: until the page settles, a late play updates it. So it depends on the events and on what had been learned, not on
how the events were cut into batches.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray, Offset
from processors.compiled import borrowing
from processors.settlement.book.book import Book
from processors.settlement.book.layout import Records
from processors.settlement.book.page import LATER_AT, has_groups
from processors.settlement.book.plays import copy_plays
from processors.settlement.book.state_layouts import GROUP_END, HAS_GROUPS, WEIGHT_BYTES
from processors.settlement.output.due import PLAY, Due
from processors.wire.binary import get_int, put_int
from processors.wire.loads import address_of

_MILLION = 1_000_000
_END_BYTES, _GROUPS_AT = GROUP_END.bytes_min, GROUP_END.offset("groups")
_generation_of, _groups_of, _put_group_end = GROUP_END.get("generation"), GROUP_END.get("groups"), GROUP_END.put()


class ShownPlays(NamedTuple):
    """Plays of listeners when pages [p] were shown: page i has `plays[offsets[i]:offsets[i + 1]]`."""

    offsets: IntArray
    plays: Records


class PageGroups(NamedTuple):
    """Soft groups of pages [p]: page i has `weights[offsets[i]:offsets[i + 1]]`, in its generation."""

    generation: IntArray
    offsets: IntArray
    weights: FloatArray

    @classmethod
    def of(
        cls, text: IntArray, pages: IntArray, page_ends: IntArray, generation: int, prior: FloatArray
    ) -> "PageGroups":
        """Read the groups of pages, given by start and end; a page without one gets the prior, with `generation`."""
        pages, page_ends = np.ascontiguousarray(pages), np.ascontiguousarray(page_ends)
        has_group = text[pages + LATER_AT] & HAS_GROUPS != 0
        sizes = np.where(has_group, text[page_ends - _END_BYTES + _GROUPS_AT], len(prior)).astype(np.int64)
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
        groups = cls(np.full(len(pages), generation), offsets, np.empty(int(offsets[-1])))
        for page in np.flatnonzero(~has_group).tolist():
            groups.weights[offsets[page] : offsets[page + 1]] = prior
        read_groups(text, np.flatnonzero(has_group), page_ends, groups)
        return groups


def ungrouped(book: Book) -> IntArray:
    """Places [n] of the impressions whose soft groups are not those of all plays known by now."""
    opened = book.opened[: int(book.totals["opened"][0])]
    places = opened[:, 0].astype(np.int64)
    is_there = book.impressions["serial"][places] == opened[:, 1]
    missing: IntArray = places[is_there & ~book.impressions["is_grouped"][places]]
    return missing


def plays_when_shown(book: Book, places: IntArray, plays_max: int) -> ShownPlays:
    """The newest plays of the listeners when these impressions were shown, by place in the book."""
    offsets = np.zeros(len(places) + 1, dtype=np.int64)
    plays = np.zeros(len(places) * plays_max, dtype=PLAY)
    copy_shown_plays(book, places, plays_max, ShownPlays(offsets, plays))
    return ShownPlays(offsets, plays[: int(offsets[-1])])


def plays_of_gone(due: Due, chosen: IntArray) -> ShownPlays:
    """The same plays for those of the due pages whose impressions the book has dropped."""
    counts = due.pages["shown_plays"][chosen].astype(np.int64)
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
    first = np.repeat(due.page_offsets[chosen] - offsets[:-1], counts)
    return ShownPlays(offsets, due.page_plays[first + np.arange(len(first))])


def put(text: IntArray, pages: IntArray, page_ends: IntArray, weights: FloatArray, generation: int) -> None:
    """Store soft groups [n, G] of a generation behind pages [n], given by start and end, that have room for one.

    A page with room for another number of weights keeps its group, or gets equal weights if it has none yet.
    """
    starts, ends = (np.ascontiguousarray(each, dtype=np.int64) for each in (pages, page_ends))
    put_groups(text, starts, ends, np.rint(weights * _MILLION).astype(np.int64), generation)


@borrowing
def copy_shown_plays(book: Book, places: IntArray, plays_max: int, shown: ShownPlays) -> None:
    """Fill in the plays, and mark the impressions as grouped."""
    for number in range(len(places)):
        impression, first = book.impressions[places[number]], shown.offsets[number]
        until_ms = impression["shown_ms"]
        last, _ = copy_plays(book, impression["listener"], until_ms, until_ms, plays_max, shown.plays, first)
        shown.offsets[number + 1] = last
        impression["is_grouped"] = True


@borrowing
def put_groups(text: IntArray, pages: IntArray, page_ends: IntArray, weights: IntArray, generation: int) -> None:
    """Write the weights [n, G] in millionths, and their generation."""
    for number in range(len(pages)):
        if not has_groups(text, pages[number]):
            continue
        at = page_ends[number] - _END_BYTES
        groups = _groups_of(text, at)
        first = at - WEIGHT_BYTES * groups
        is_same_number = groups == weights.shape[1]
        if is_same_number or not _has_weights(text, first, groups):
            for group in range(groups):
                weight = _MILLION - (groups - 1) * (_MILLION // groups) if group == 0 else _MILLION // groups
                if is_same_number:
                    weight = weights[number, group]
                put_int(address_of(text), first + WEIGHT_BYTES * group, weight, WEIGHT_BYTES)
            _put_group_end(address_of(text), at, generation=generation, groups=groups)


@borrowing
def _has_weights(text: IntArray, first: Offset, groups: int) -> bool:
    total = 0
    for group in range(groups):
        total += get_int(text, first + WEIGHT_BYTES * group, WEIGHT_BYTES)
    return total > 0


@borrowing
def read_groups(text: IntArray, chosen: IntArray, page_ends: IntArray, groups: PageGroups) -> None:
    """Fill in the groups of the chosen pages."""
    for page in chosen:
        first, last = groups.offsets[page], groups.offsets[page + 1]
        end = page_ends[page] - _END_BYTES
        at = end - WEIGHT_BYTES * (last - first)
        for group in range(last - first):
            groups.weights[first + group] = get_int(text, at + WEIGHT_BYTES * group, WEIGHT_BYTES) / _MILLION
        groups.generation[page] = _generation_of(text, end)
