"""Evidence on policies: how candidates weigh the pages that were shown, and what these pages earned."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from msgspec import Struct

from schemas.fields import Count, EventMs, Identifier, refuse_unless, refuse_unless_identifiers
from schemas.rules import Rules, SameLength, obey

WEIGHT_UNITS = 4_096
"""Weights are written in these fractions of one, as integers: short, and equal after every reading."""
WEIGHT_MAX = 2**31 - 1
"""Largest weight, in these units: half a million."""


class WeighedPage(NamedTuple):
    """One page of the message: columns of its exposures [e], and their weights by candidate [k][e]."""

    user_id: str
    impression_id: str
    shown_ms: int
    is_first: bool
    row: tuple[int, ...]
    slot: tuple[int, ...]
    played_ms: tuple[int, ...]
    previous_ms: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]
    pooled: tuple[tuple[int, ...], ...]


class PagesWeighed(Struct, frozen=True, kw_only=True, gc=False, tag="pages-weighed.v1", tag_field="type"):
    """Pages of sampled listeners, when they settle (`is_first`) and each time that a late stream corrects them.

    Page i has `seen[i]` exposures, which follow each other in the columns `row` to `previous_ms` and in each of
    `weights`: exposures in slots that the candidates fill, of shelves that the catalogue knew. `weights[k]` has for
    each exposure the probability with which candidate k would have put the card into its slot of the shelf, by what was
    known when the page was shown, over the logged propensity; in units of 1/4096. The first candidate is the incumbent.
    `pooled[k]` has instead the probability with which the candidate would have put the card into any of the seen slots
    of the shelf, over the logged propensity and the number of these slots: right on average if a seen card is worth the
    same in each of them, and much less variable. A message without it was written by an older version.
    A correction repeats the page: it counts with `previous_ms` until now, and with `played_ms` from now on.

    >>> page = PagesWeighed(source="listeners/0", candidates=("mean/greedy",), user_id=("u1",), impression_id=("i1",),
    ...     shown_ms=(5,), is_first=(True,), seen=(2,), row=(0, 0), slot=(0, 1), played_ms=(0, 9), previous_ms=(0, 0),
    ...     weights=((4096, 0),))
    >>> [(one.impression_id, one.played_ms, one.weights) for one in page.pages()]
    [('i1', (0, 9), ((4096, 0),))]
    """

    rules: ClassVar[Rules] = (
        *(SameLength("impression_id", name) for name in ("user_id", "shown_ms", "is_first", "seen")),
        *(SameLength("row", name) for name in ("slot", "played_ms", "previous_ms")),
        SameLength("candidates", "weights"),
    )

    source: Identifier
    candidates: tuple[Identifier, ...]
    user_id: tuple[Identifier, ...]
    impression_id: tuple[Identifier, ...]
    shown_ms: tuple[EventMs, ...]
    is_first: tuple[bool, ...]
    seen: tuple[Count, ...]
    row: tuple[Count, ...]
    slot: tuple[Count, ...]
    played_ms: tuple[Count, ...]
    previous_ms: tuple[Count, ...]
    weights: tuple[tuple[Count, ...], ...]
    pooled: tuple[tuple[Count, ...], ...] = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(source=self.source)
        obey(self)
        refuse_unless(len(set(self.candidates)) == len(self.candidates) > 0, "a candidate is missing, or named twice")
        refuse_unless(sum(self.seen) == len(self.row), "the pages have another number of exposures than the columns")
        refuse_unless(min(self.seen, default=1) > 0, "a page has no exposure")
        refuse_unless(len(self.pooled) in {0, len(self.weights)}, "a candidate has no pooled weights")
        every = (*self.weights, *self.pooled)
        refuse_unless(all(len(column) == len(self.row) for column in every), "weights differ in length")

    def pages(self) -> Iterator[WeighedPage]:
        """Iterate over single pages."""
        start = 0
        whose = zip(self.user_id, self.impression_id, self.shown_ms, self.is_first, self.seen, strict=True)
        for user_id, impression_id, shown_ms, is_first, seen in whose:
            part = slice(start, start + seen)
            yield WeighedPage(
                user_id=user_id,
                impression_id=impression_id,
                shown_ms=shown_ms,
                is_first=is_first,
                row=self.row[part],
                slot=self.slot[part],
                played_ms=self.played_ms[part],
                previous_ms=self.previous_ms[part],
                weights=tuple(column[part] for column in self.weights),
                pooled=tuple(column[part] for column in self.pooled or self.weights),
            )
            start += seen
