"""Listeners by arm, with what they added up to since they were first exposed, and before."""

from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray
from processors.metrics.cells import Columns
from processors.metrics.metric_table import ListenerSums

_FAR = 2**62


class Days(NamedTuple):
    """Length of a day, and the event time up to which all exposures have settled."""

    length_ms: int
    settled_until_ms: int


class Population(NamedTuple):
    """n listeners, each with one arm and the window of her first exposure; `crossed` others had two arms at first."""

    arm: IntArray
    first_ms: IntArray
    since: ListenerSums
    before: ListenerSums
    crossed: int

    def of_arm(self, number: int) -> BoolArray:
        """Which listeners are in an arm."""
        return np.asarray(self.arm == number)


def population(
    columns: Columns, arm_of_kind: IntArray, days: Days, nobody: int = -1, between: tuple[int, int] = (0, _FAR)
) -> Population:
    """The listeners who were exposed to an arm; `arm_of_kind` [k] has the arm of each kind of page, -1 for none.

    Only windows that begin `between` two times expose.

    A listener stays in the arm of her first window, whatever she is shown later (intention to treat). Her sums are
    those of all pages of any arm; she has come back on a day if she saw any page then.
    """
    columns = columns.some(columns.user != nobody)
    arm = arm_of_kind[columns.kind]
    some = np.flatnonzero((arm >= 0) & (columns.window_ms >= between[0]) & (columns.window_ms < between[1]))
    users, owner = np.unique(columns.user[some], return_inverse=True)
    first_ms = np.full(len(users), _FAR)
    np.minimum.at(first_ms, owner, columns.window_ms[some])
    at_first = np.flatnonzero(columns.window_ms[some] == first_ms[owner])
    lowest, highest = np.full(len(users), _FAR), np.full(len(users), -1)
    np.minimum.at(lowest, owner[at_first], arm[some[at_first]])
    np.maximum.at(highest, owner[at_first], arm[some[at_first]])
    stay = np.flatnonzero(lowest == highest)
    number = np.full(int(columns.user.max(initial=0)) + 1, -1)
    number[users[stay]] = np.arange(len(stay))
    own = number[columns.user]  # of each sum, -1 if its listener is not among them
    first_ms = first_ms[stay]
    earlier = np.flatnonzero(columns.window_ms < np.append(first_ms, -1)[own])
    later = some[own[some] >= 0]
    came = own >= 0
    return Population(
        arm=lowest[stay],
        first_ms=first_ms,
        since=listener_sums(columns.some(later), own[later], len(stay), days, (columns.some(came), own[came])),
        before=listener_sums(columns.some(earlier), own[earlier], len(stay), days),
        crossed=len(users) - len(stay),
    )


def listener_sums(
    columns: Columns, owner: IntArray, count: int, days: Days, every: tuple[Columns, IntArray] | None = None
) -> ListenerSums:
    """Sums of `count` listeners over these columns [n], of whom `owner` [n] has the numbers.

    `every` has all that they did, with its owners: they return to any arm of any surface. By default, the columns.
    """
    signals = np.zeros((count, columns.signals.shape[1]), dtype=np.int64)
    np.add.at(signals, owner, columns.signals)
    own, all_columns, all_owner = _days_of(columns, owner, days), *(every or (columns, owner))
    of, day = own // _DAYS, own % _DAYS
    is_followed = (day + 2) * days.length_ms <= days.settled_until_ms
    is_back = np.isin(own + 1, _days_of(all_columns, all_owner, days), assume_unique=True)
    visitor, came_back = _visits_followed(columns, owner, days, all_columns, all_owner)
    return ListenerSums(
        signals=signals,
        days=np.bincount(of, minlength=count),
        days_followed=np.bincount(of[is_followed], minlength=count),
        returned=np.bincount(of[is_followed & is_back], minlength=count),
        visits_followed=np.bincount(visitor, minlength=count),
        came_back=np.bincount(visitor[came_back], minlength=count),
    )


_DAYS = 2**34
"""More than the days of event time, if a day has a second at least; listener and day are one number."""


def _days_of(columns: Columns, owner: IntArray, days: Days) -> IntArray:
    """Distinct listeners and days, as listener times `_DAYS` plus day."""
    seen = columns.signals[:, 0] > 0
    return np.unique(owner[seen] * _DAYS + columns.window_ms[seen] // days.length_ms)


def _visits_followed(
    columns: Columns, owner: IntArray, days: Days, every: Columns, every_owner: IntArray
) -> tuple[IntArray, BoolArray]:
    """Owners of the visits whose next day (24 hours) has settled, and whether each was followed by another within it.

    A visit is a window in which a listener came. The next one begins less than a day after it, at any hour.
    """
    some = np.flatnonzero((columns.signals[:, 0] > 0) & (columns.window_ms + days.length_ms <= days.settled_until_ms))
    later = np.flatnonzero(every.signals[:, 0] > 0)
    if not len(some):
        return owner[:0], np.zeros(0, dtype=np.bool_)
    oldest = int(every.window_ms.min())
    span = int(every.window_ms.max()) - oldest + 1 + days.length_ms  # so that nobody's visits follow another's
    visit = np.unique(owner[some] * span + columns.window_ms[some] - oldest)
    other = np.append(np.unique(every_owner[later] * span + every.window_ms[later] - oldest), 2 * _FAR - 1)
    following = other[np.searchsorted(other, visit, side="right")]
    return visit // span, following - visit < days.length_ms
