"""The leaderboard: sums of every candidate beside its incumbent, and the values that follow from them.

Statistics add up over partitions, so one task reads the evidence of all. A candidate is compared with the incumbent of
the settings under which its pages were weighed: with another incumbent, its comparison begins anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from processors.evaluation.confidence.paired import Difference
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.estimator import ALPHA
from processors.leaderboard.page_terms import YARDSTICKS, WeighedColumns, Yardstick
from processors.leaderboard.pages_more import pages_more
from processors.leaderboard.pair_sums import PairSums, pair_sums
from processors.leaderboard.pooled_sums import PooledSums, pooled_sums
from processors.settlement.state.rows import Row
from schemas.policy_evidence import PagesWeighed
from schemas.policy_values import LOGGED, POOLED, SLOTS, PolicyValue

KEPT_MAX = 100
"""Pairs of candidate and incumbent whose sums are kept; of settings long gone, the oldest leave first."""
PARTITION_KEY = b"p"
_PAIR, _SEPARATOR = b"c/", "\n"

Pair = tuple[str, str]


class _PairRow(Struct, array_like=True):
    sums: list[PairSums]
    pooled: list[PooledSums | None]  # of the yardsticks that count all slots
    evidence: int = 0  # pages and corrections read when this pair was last updated
    since_ms: int | None = None  # when the oldest of its pages was shown


class _PartitionRow(Struct, array_like=True):
    candidates: tuple[str, ...] = ()
    evidence: int = 0
    newest_ms: int = 0
    published: tuple[str, ...] = ()


class Leaderboard:
    """Values of candidates by every yardstick, from weighed pages in the order of their topic."""

    def __init__(self, yardsticks: Sequence[Yardstick] = YARDSTICKS) -> None:
        self.yardsticks = tuple(yardsticks)
        self._pairs: dict[Pair, _PairRow] = {}
        self._own = _PartitionRow()
        self._changed: set[Pair] = set()
        self.worth_testing_count = 0  # candidates that were better than the incumbent by some yardstick at last
        self._is_changed = self._is_due = False

    @property
    def evidence_count(self) -> int:
        """Number of pages and corrections read."""
        return self._own.evidence

    def take(self, messages: Iterable[PagesWeighed]) -> None:
        """Read weighed pages."""
        for message in messages:
            columns = WeighedColumns.of(message, LOGGED)
            self._own.evidence += len(message.seen)
            self._own.newest_ms = max(self._own.newest_ms, *message.shown_ms)
            self._own.candidates = columns.names
            self._is_changed = self._is_due = True
            for number, yardstick in enumerate(self.yardsticks):
                self._add(message.candidates[0], columns, number, yardstick)
            for name in columns.names:
                row, oldest_ms = self._pairs[message.candidates[0], name], min(message.shown_ms)
                row.since_ms = oldest_ms if row.since_ms is None else min(row.since_ms, oldest_ms)

    def values(self, *, pools: bool = True) -> list[PolicyValue]:
        """The value of each present candidate by each yardstick, the incumbent first and the log last.

        Without `pools` by the weights of slots, whether or not the log objects to pooling.
        """
        names = self._own.candidates
        by_slot = [not pools or self._slots_matter(number) for number in range(len(self.yardsticks))]
        return [
            self._value((names[0], name), number, is_pooled=not by_slot[number])
            for name in names
            for number in range(len(self.yardsticks))
        ]

    def publish(self) -> tuple[list[PolicyValue], list[str]]:
        """The values if they have changed since the last call, and the keys of values to withdraw."""
        if not self._is_due:
            return [], []
        values = self.values()
        self.worth_testing_count = len({value.candidate for value in values if value.is_worth_testing})
        keys = tuple(value.key for value in values)
        gone = [key for key in self._own.published if key not in keys]
        self._own.published, self._is_due, self._is_changed = keys, False, True
        return values, gone

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        for pair in sorted(self._changed):
            row = self._pairs.get(pair)
            yield _PAIR + _SEPARATOR.join(pair).encode(), None if row is None else msgspec.msgpack.encode(row)
        if self._is_changed:
            yield PARTITION_KEY, msgspec.msgpack.encode(self._own)
        self._changed.clear()
        self._is_changed = False

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the leaderboard that wrote these rows; its values are published again."""
        for key, value in rows:
            if key == PARTITION_KEY:
                self._own = msgspec.msgpack.decode(value, type=_PartitionRow)
                self._is_due = bool(self._own.candidates)
            else:
                incumbent, name = key[len(_PAIR) :].decode().split(_SEPARATOR)
                self._pairs[incumbent, name] = msgspec.msgpack.decode(value, type=_PairRow)

    def _pair(self, pair: Pair) -> _PairRow:
        if pair not in self._pairs:
            pooled = [None if yardstick.slots else PooledSums() for yardstick in self.yardsticks]
            self._pairs[pair] = _PairRow([PairSums() for _ in self.yardsticks], pooled)
            if len(self._pairs) > KEPT_MAX:
                oldest = min((one for one in self._pairs if one != pair), key=lambda one: self._pairs[one].evidence)
                del self._pairs[oldest]
                self._changed.add(oldest)
        self._changed.add(pair)
        return self._pairs[pair]

    def _add(self, incumbent: str, columns: WeighedColumns, number: int, yardstick: Yardstick) -> None:
        by_slot = columns.terms(yardstick)
        pooled: Sequence[PooledSums | None] = [None] * len(columns.names)
        if not yardstick.slots:
            pooled = pooled_sums(by_slot, columns.terms(yardstick, is_pooled=True))
        for name, sums, further in zip(columns.names, pair_sums(by_slot), pooled, strict=True):
            row = self._pair((incumbent, name))
            row.evidence = self._own.evidence
            row.sums[number].add(sums)
            if (kept := row.pooled[number]) is not None and further is not None:
                kept.add(further)

    @property
    def _challengers(self) -> list[str]:
        return [name for name in self._own.candidates[1:] if name != LOGGED]

    def _slots_matter(self, number: int) -> bool:
        """Whether the log objects to pooling for this yardstick, for any candidate: then none is pooled."""
        names, alpha = self._own.candidates, ALPHA / max(1, len(self._challengers))
        rows = [self._pairs[names[0], name].pooled[number] for name in names]
        return any(row is None or row.is_refuted(alpha) for row in rows)

    def _value(self, pair: Pair, number: int, *, is_pooled: bool) -> PolicyValue:
        incumbent, name = pair
        yardstick, challengers, row = self.yardsticks[number], self._challengers, self._pairs[pair]
        pooled = row.pooled[number] if is_pooled else None
        sums = row.sums[number] if pooled is None else pooled.sums
        alpha = ALPHA / max(1, len(challengers))
        value, difference = sums.value, sums.difference(alpha)
        reward, _, policy = name.partition("/")
        is_better = difference.verdict.is_shown and difference.low_anytime > 0.0
        return PolicyValue(
            candidate=name,
            policy=policy or name,
            reward=reward,
            yardstick=yardstick.name,
            incumbent=incumbent,
            event_ms=self._own.newest_ms,
            evidence_count=row.evidence,
            exposures=sums.exposures,
            since_ms=row.since_ms or 0,
            pages_more=pages_more(difference, sums.count, alpha) if name in challengers else None,
            is_worth_testing=is_better and name in challengers,
            **_told(value, SLOTS if pooled is None else POOLED),
            **_less_incumbent(difference, sums.difference() if value.verdict.is_shown else difference),
        )


def _told(value: Estimate, estimator: str) -> dict[str, Any]:
    shown = value.verdict.is_shown
    numbers = {name: getattr(value, name) for name in ("value", "standard_error", "low", "high", "low_anytime",
                                                       "high_anytime")}  # fmt: skip
    return {
        "estimator": estimator,
        "count": value.count,
        "ess": value.ess,
        "weight_max": value.weight_max,
        "weight_mean": value.weight_mean if value.count else 0.0,
        "weight_mean_error": value.weight_mean_error if value.count > 1 else 0.0,
        "withheld": value.verdict.reason,
        **{name: number if shown and isfinite(number) else None for name, number in numbers.items()},
    }


def _less_incumbent(together: Difference, alone: Difference) -> dict[str, Any]:
    """The difference: an interval for one look at it alone, and one for any number of looks at all candidates."""
    numbers = {
        "difference": alone.value,
        "difference_low": alone.low,
        "difference_high": alone.high,
        "difference_low_anytime": together.low_anytime,
        "difference_high_anytime": together.high_anytime,
    }
    shown = alone.verdict.is_shown
    return {name: number if shown and isfinite(number) else None for name, number in numbers.items()}
