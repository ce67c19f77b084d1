"""Expected against realised reward as additive sums, from which a table by tenths of the expectation follows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from schemas.monitoring import CalibratedTenth

BINS, SUMS, TENTHS = 64, 4, 10
"""Bins of the expectation; sums of each: exposures, expectations, rewards and their squares."""
EXPOSURES_MAX = 200_000.0
"""Sums are halved when they exceed this number of exposures, so that a table is of the newest."""


class Compared(NamedTuple):
    """Outcomes [n] whose reward was expected: a correction is no exposure, and counts by the difference that it makes.

    `places` are their indices among the outcomes that they were chosen from.
    """

    places: IntArray
    exposures: FloatArray
    expected: FloatArray
    realised: FloatArray
    squares: FloatArray


def calibration_sums(compared: Compared, some: IntArray) -> FloatArray:
    """Sums [BINS, SUMS] of some outcomes; bins are narrower near zero, where most expectations lie.

    >>> rewards = np.array([0.0, 1.0, 1.0]); three = np.arange(3)
    >>> sums = calibration_sums(Compared(three, np.ones(3), np.array([0.25, 0.25, 0.9]), rewards, rewards), three)
    >>> sums[32].tolist(), int((sums[:, 0] > 0).sum())
    ([2.0, 0.5, 1.0, 1.0], 2)
    """
    expected, exposures = compared.expected[some], compared.exposures[some]
    number = np.minimum((np.sqrt(np.clip(expected, 0.0, 1.0)) * BINS).astype(np.int64), BINS - 1)
    columns = (exposures, expected * exposures, compared.realised[some], compared.squares[some])
    return np.stack([np.bincount(number, column, BINS) for column in columns], axis=1)


def as_rows(sums: FloatArray) -> tuple[tuple[float, ...], ...]:
    """The bins with content for a message, each with its number.

    >>> sums = np.zeros((BINS, SUMS)); sums[7] = 1.0, 0.25, 0.5, 0.5
    >>> as_rows(sums), bool((of_rows(as_rows(sums)) == sums).all())
    (((7.0, 1.0, 0.25, 0.5, 0.5),), True)
    """
    used = np.flatnonzero(sums.any(axis=1))
    return tuple((float(number), *row) for number, row in zip(used.tolist(), sums[used].tolist(), strict=True))


def of_rows(rows: Sequence[Sequence[float]]) -> FloatArray:
    """The sums [BINS, SUMS] of such rows; those of unknown bins are left out."""
    sums = np.zeros((BINS, SUMS))
    for number, *row in rows:
        if 0 <= number < BINS and len(row) == SUMS:
            sums[int(number)] += row
    return sums


def tenths(sums: FloatArray) -> tuple[CalibratedTenth, ...]:
    """Rows of about a tenth of the exposures each, by rising expectation; a bin is not divided.

    >>> rewards, every = np.tile([0.0, 1.0], 50), np.arange(100)
    >>> sums = calibration_sums(Compared(every, np.ones(100), np.repeat([0.1, 0.3], 50), rewards, rewards), every)
    >>> [(row.exposures, row.expected, row.realised) for row in tenths(sums)]
    [(50.0, 0.1, 0.5), (50.0, 0.3, 0.5)]
    """
    exposures = sums[:, 0]
    total = exposures.sum()
    if total <= 0.0:
        return ()
    middle = (np.cumsum(exposures) - exposures / 2.0) / total
    tenth = np.minimum((middle * TENTHS).astype(np.int64), TENTHS - 1)
    by_tenth = np.stack([np.bincount(tenth, sums[:, column], TENTHS) for column in range(SUMS)], axis=1)
    rows = []
    for count, expected, realised, squares in by_tenth[by_tenth[:, 0] > 0.0].tolist():
        mean = realised / count
        error = np.sqrt(max(squares / count - mean * mean, 0.0) / count)
        rows.append(
            CalibratedTenth(
                exposures=count,
                expected=round(expected / count, 6),
                realised=round(mean, 6),
                standard_error=round(float(error), 6),
            )
        )
    return tuple(rows)
