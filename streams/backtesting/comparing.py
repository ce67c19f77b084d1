"""Compares two replays of the same events, exposure by exposure and page by page."""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimate import finite
from processors.evaluation.estimators.estimator import ALPHA
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.weight_sums import SHARE_MAX
from processors.leaderboard.page_terms import YARDSTICKS, Yardstick
from processors.leaderboard.standings import Leaderboard
from schemas.policy_evidence import PagesWeighed, WeighedPage
from schemas.policy_values import PolicyValue
from streams.backtesting.replayed import Told

LIVE, CANDIDATE = "live", "candidate"
_PAGES_A_MESSAGE = 200


class Difference(NamedTuple):
    """Means over the pages that settled in both runs, and the mean of the differences, with intervals."""

    live: float
    candidate: float
    difference: float
    interval: list[float] | None
    interval_anytime: list[float] | None
    pages: int


def changed_count(live: Told, candidate: Told) -> int:
    """Number of outcomes and corrections that are in one run only, or are others: compared byte for byte."""
    one, other = (set(encoded(told)) for told in (live, candidate))
    return len(one ^ other)


def encoded(told: Told) -> Iterator[bytes]:
    """Every outcome and correction by itself, as bytes."""
    for outcome in told.settled.values():
        yield msgspec.json.encode((outcome.exposure, outcome.logged, outcome))
    for correction in told.corrected:
        yield msgspec.json.encode(correction)


def outcome_differences(live: Told, candidate: Told, is_counted: Callable[[int], bool]) -> dict[str, Difference]:
    """How much more the exposures earn under the candidate's settings, by yardstick; of pages shown when it counts."""
    common = live.settled.keys() & candidate.settled.keys()
    pages: dict[tuple[str, str], list[Any]] = {}
    for name in sorted(common):
        if is_counted(live.settled[name].shown_ms):
            pages.setdefault(name[:2], []).append(name)
    found = {}
    for yardstick in YARDSTICKS:
        own = [[name for name in names if not yardstick.slots or name[3] < yardstick.slots] for names in pages.values()]
        columns = [
            np.array([_mean(yardstick, [told.played_ms[name] for name in names]) for names in own if names])
            for told in (live, candidate)
        ]
        found[yardstick.name] = _difference(*columns)
    return found


def _mean(yardstick: Yardstick, played_ms: list[int]) -> float:
    return float(yardstick.reward(np.array(played_ms)).mean())


def _difference(live: FloatArray, candidate: FloatArray) -> Difference:
    apart, count = candidate - live, len(live)
    if not count:
        return Difference(float("nan"), float("nan"), float("nan"), None, None, 0)
    error = float(apart.std(ddof=1)) / sqrt(count) if count > 1 else float("inf")
    squares = float((apart**2).sum())
    is_steady = count >= RECORDS_MIN and (not squares or float((apart**2).max()) <= SHARE_MAX * squares)
    half = float(ndtri(1.0 - ALPHA / 2.0)) * error
    anytime = float(mixture_width(count, ALPHA)) * error if is_steady else float("inf")
    mean = float(apart.mean())
    return Difference(
        live=float(live.mean()),
        candidate=float(candidate.mean()),
        difference=mean,
        interval=finite(mean - half, mean + half),
        interval_anytime=finite(mean - anytime, mean + anytime),
        pages=count,
    )


def policy_values(live: Told, candidate: Told, is_counted: Callable[[int], bool]) -> list[PolicyValue]:
    """Values of both configurations' rankings on the same pages, each by what its own run had learned.

    Pages count that were weighed and have settled in both, with the exposures that both weigh, and with what the live
    run says that they earned.
    """
    board = Leaderboard()
    names = [name for name in live.pages if name in candidate.pages and is_counted(live.pages[name].shown_ms)]
    joint = [page for name in names if (page := _joint(live.pages[name], candidate.pages[name])) is not None]
    for first in range(0, len(joint), _PAGES_A_MESSAGE):
        board.take([_message(joint[first : first + _PAGES_A_MESSAGE])])
    return board.values() if joint else []


def _joint(live: WeighedPage, candidate: WeighedPage) -> WeighedPage | None:
    other = {place: number for number, place in enumerate(zip(candidate.row, candidate.slot, strict=True))}
    both = [number for number, place in enumerate(zip(live.row, live.slot, strict=True)) if place in other]
    if not both:
        return None
    theirs = [other[live.row[number], live.slot[number]] for number in both]

    def some(column: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(column[number] for number in both)

    is_whole = len(both) == len(live.row) == len(candidate.row)  # else pooling would be over other slots
    own, other_own = (live.pooled, candidate.pooled) if is_whole else (live.weights, candidate.weights)
    return live._replace(
        is_first=True,
        row=some(live.row),
        slot=some(live.slot),
        played_ms=some(live.played_ms),
        previous_ms=(0,) * len(both),
        weights=(some(live.weights[0]), tuple(candidate.weights[0][number] for number in theirs)),
        pooled=(some(own[0]), tuple(other_own[0][number] for number in theirs)),
    )


def _message(pages: list[WeighedPage]) -> PagesWeighed:
    def joined(name: str) -> tuple[int, ...]:
        return tuple(number for page in pages for number in getattr(page, name))

    return PagesWeighed(
        source="backtest",
        candidates=(LIVE, CANDIDATE),
        user_id=tuple(page.user_id for page in pages),
        impression_id=tuple(page.impression_id for page in pages),
        shown_ms=tuple(page.shown_ms for page in pages),
        is_first=(True,) * len(pages),
        seen=tuple(len(page.row) for page in pages),
        row=joined("row"),
        slot=joined("slot"),
        played_ms=joined("played_ms"),
        previous_ms=joined("previous_ms"),
        weights=tuple(tuple(weight for page in pages for weight in page.weights[k]) for k in range(2)),
        pooled=tuple(tuple(weight for page in pages for weight in page.pooled[k]) for k in range(2)),
    )
