"""The leaderboard's values follow from the weighed pages, and what these earned is what outcomes say."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from streams.auditing.books import Books
from streams.auditing.evidence_book import PageEntry
from streams.auditing.own_evidence import PolicyValueRead
from streams.auditing.recomputed import Recomputed

RELATIVE, ABSOLUTE = 1e-6, 1e-9
STREAMED_MS = 30_000
LOGGED, POOLED = "logged", "pooled-snips"


def evidence_broken(books: Books, _: Recomputed) -> Iterator[str]:
    """Weighed pages that settle twice or never, or whose corrections do not continue from where they were left."""
    for name, entries in books.evidence.chains().items():
        if [entry.is_first for entry in entries] != [True] + [False] * (len(entries) - 1):
            yield f"{name}: settles {sum(entry.is_first for entry in entries)} times, or not first"
        if any(entries[0].previous_ms):
            yield f"{name}: had earned something before it settled"
        for before, after in pairwise(entries):
            if after.previous_ms != before.played_ms:
                yield f"{name}: a correction begins elsewhere than the page was left"
            elif _shown(after) != _shown(before):
                yield f"{name}: a correction weighs the page in another way"


def evidence_played_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Weighed exposures that never settled, or whose streamed time is not that of their last outcome."""
    for (user_id, impression_id), entries in books.evidence.chains().items():
        for (row, slot), played_ms in zip(entries[-1].places, entries[-1].played_ms, strict=True):
            exposure = (user_id, impression_id, row, slot)
            told = [*books.settled.get(exposure, ()), *books.corrected.get(exposure, ())]
            if not told:
                yield f"{exposure} is weighed and has not settled"
                continue
            last_ms = told[-1].played_ms  # a card's outcomes are in the order of one partition
            if played_ms != last_ms:
                yield f"{exposure}: weighed with {played_ms} ms, not {last_ms} ms"


def policy_values_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Values that do not follow from the pages that they count, or that claim more than their intervals say."""
    for key, value in sorted(books.evidence.values.items()):
        read = books.evidence.entries[: value.evidence_count]
        own = [entry for entry in read if value.incumbent == entry.candidates[0] and _is_of(value, entry)]
        sums = _Sums(own, value)
        for name, found, expected in sums.compared():
            if found is not None and not math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
                yield f"{key}: {name} is {found:.9g}, not {expected:.9g}"
        if (value.value is None) != bool(value.withheld):
            yield f"{key}: shown and withheld, or neither"
        if value.is_worth_testing and not (value.difference_low_anytime or 0.0) > 0.0:
            yield f"{key}: worth testing, though its interval does not exclude the incumbent's"


def _shown(entry: PageEntry) -> tuple[object, ...]:
    """What a correction must repeat."""
    return entry.weights, entry.pooled, entry.candidates, entry.places


def _is_of(value: PolicyValueRead, entry: PageEntry) -> bool:
    return value.candidate == LOGGED or value.candidate in entry.candidates


class _Sums:
    """The figures of a value, recomputed page by page."""

    def __init__(self, entries: Iterable[PageEntry], value: PolicyValueRead) -> None:
        self._value = value
        self._terms: dict[tuple[str, str], tuple[float, float, float]] = {}  # weight, earned, exposures
        self._other: dict[tuple[str, str], tuple[float, float]] = {}
        self._largest = 0.0
        for entry in entries:
            places = [number for number, (_, slot) in enumerate(entry.places) if self._counts(slot)]
            if places:
                weight, earned = self._of(entry, value.candidate, places)
                self._terms[entry.name] = (weight, earned, float(len(places)))
                self._other[entry.name] = self._of(entry, value.incumbent, places)
                self._largest = max(self._largest, weight)

    def compared(self) -> Iterator[tuple[str, float | None, float]]:
        """Each figure as told and as expected."""
        value, count = self._value, len(self._terms)
        weights = [weight for weight, _, _ in self._terms.values()]
        earned = [one for _, one, _ in self._terms.values()]
        yield "count", value.count, count
        yield "exposures", value.exposures, sum(exposures for _, _, exposures in self._terms.values())
        if not count:
            return
        squares = sum(weight * weight for weight in weights)
        yield "ess", value.ess, sum(weights) ** 2 / squares if squares else 0.0
        exposures = sum(exposures for _, _, exposures in self._terms.values())
        yield "weight_mean", value.weight_mean, sum(weights) / exposures
        yield "weight_max", value.weight_max, self._largest * count / exposures
        if value.value is None or not sum(weights):
            return
        ratio = sum(earned) / sum(weights)
        yield "value", value.value, ratio
        yield "standard_error", value.standard_error, _error(earned, weights, ratio)
        others = self._other.values()
        total = sum(weight for weight, _ in others)
        if value.difference is not None and total:
            yield "difference", value.difference, ratio - sum(one for _, one in others) / total

    def _counts(self, slot: int) -> bool:
        name = self._value.yardstick
        return slot < int(name.partition("@")[2]) if name.startswith("precision@") else True

    def _of(self, entry: PageEntry, candidate: str, places: Sequence[int]) -> tuple[float, float]:
        """Weights of a page's exposures, and weights times rewards, summed."""
        is_log, of_slots = candidate == LOGGED, self._value.estimator != POOLED
        told = entry.weights if of_slots else entry.pooled
        weights = [1.0] * len(entry.places) if is_log else told[entry.candidates.index(candidate)]
        rewards = [self._reward(played_ms) for played_ms in entry.played_ms]
        return sum(weights[place] for place in places), sum(weights[place] * rewards[place] for place in places)

    def _reward(self, played_ms: int) -> float:
        return played_ms / 60_000.0 if self._value.yardstick == "minutes" else float(played_ms >= STREAMED_MS)


def _error(earned: Sequence[float], weights: Sequence[float], ratio: float) -> float:
    """Standard error of a ratio of means (delta method)."""
    count = len(earned)
    left = [one - ratio * weight for one, weight in zip(earned, weights, strict=True)]
    mean = sum(left) / count
    variance = sum((one - mean) ** 2 for one in left) / max(1, count - 1)
    return math.sqrt(variance / count) * count / sum(weights)
