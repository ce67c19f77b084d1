"""Puts weighed pages into messages."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.leaderboard.shadow_pages import ShadowPage
from schemas.policy_evidence import PagesWeighed

NUMBERS_MAX = 20_000
"""Weights in one message, of at most ten digits: a fifth of what a broker accepts. One page always fits."""


class ToldPage(NamedTuple):
    """A page that has settled or was corrected: played time [e] until now, and from now on."""

    user_id: str
    impression_id: str
    page: ShadowPage
    is_first: bool
    played_ms: IntArray
    previous_ms: IntArray


def pages_weighed(
    source: str, told: Sequence[ToldPage], sets: Mapping[bytes, tuple[str, ...]]
) -> Iterator[PagesWeighed]:
    """Messages with these pages, in order; those of one message have the same candidates."""
    for digest, alike in groupby(told, key=lambda one: one.page.candidates):
        names = sets[digest]
        part: list[ToldPage] = []
        numbers = 0
        for one in alike:
            size = len(one.page.weights) // 2  # of both kinds, four bytes each
            if part and numbers + size > NUMBERS_MAX:
                yield _message(source, names, part)
                part, numbers = [], 0
            part.append(one)
            numbers += size
        yield _message(source, names, part)


def _message(source: str, names: tuple[str, ...], part: Sequence[ToldPage]) -> PagesWeighed:
    def by_candidate(name: str) -> tuple[tuple[int, ...], ...]:
        weights = np.concatenate([one.page.column(name).reshape(len(names), -1) for one in part], axis=1)
        return tuple(tuple(column) for column in weights.tolist())

    def joined(columns: Sequence[IntArray]) -> tuple[int, ...]:
        return tuple(np.concatenate(columns).tolist())

    return PagesWeighed(
        source=source,
        candidates=names,
        user_id=tuple(one.user_id for one in part),
        impression_id=tuple(one.impression_id for one in part),
        shown_ms=tuple(one.page.shown_ms for one in part),
        is_first=tuple(one.is_first for one in part),
        seen=tuple(len(one.played_ms) for one in part),
        row=joined([one.page.column("row") for one in part]),
        slot=joined([one.page.column("slot") for one in part]),
        played_ms=joined([one.played_ms for one in part]),
        previous_ms=joined([one.previous_ms for one in part]),
        weights=by_candidate("weights"),
        pooled=by_candidate("pooled"),
    )
