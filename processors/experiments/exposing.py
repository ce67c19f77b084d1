"""Exposing: what each page was shown with, and the first page with each experiment that a listener saw on a day.

Pages are taken in the order of the log, before settlement. A page is judged by the definitions in force at the time at
which it was shown, so the facts do not depend on when it is processed. What its impression reports is believed; where
it reports nothing of an experiment, the listener's assignment counts. The result goes with the page to its outcomes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray
from processors.experiments.assignment import Plan
from processors.experiments.definitions import Definitions
from processors.experiments.exposure_memory import DAYS, ExposureMemory, Pairs
from processors.experiments.settled_listeners import SettledListeners
from processors.wire.impressions import LOGGED, ImpressionColumns
from processors.wire.loads import WORD
from processors.wire.name_index import NameIndex, json_of, name_of
from schemas.experiments import ASSIGNMENTS_MAX, DAY_MS, ExperimentExposure, assigned, assignments_of

_ASSIGNMENTS, _SURFACE = LOGGED.index("assignments"), LOGGED.index("surface")
_REMEMBERED_MAX, _PLANS_MAX = 65_536, 16
_Settled = dict[bytes, tuple[bytes, int]]


class Shown(NamedTuple):
    """What a page was shown with: as text, as pairs to be told, and what of it was reported."""

    text: bytes
    pairs: Pairs
    reported: frozenset[str] = frozenset()


class _Page(NamedTuple):
    """What counts of an impression; names are as JSON writes them."""

    number: int
    interval: int  # of the schedule
    event_ms: int
    user: bytes
    surface: bytes
    said: bytes
    event_id: tuple[int, int]
    is_seen: bool


class _Planned(NamedTuple):
    """A plan, the assignments by it, and the listeners about whom nothing remains to be told today."""

    plan: Plan
    listeners: dict[bytes, Shown]
    settled: SettledListeners
    surface: NameIndex


class _Quiet(NamedTuple):
    """Which pages [n] need no further look, and what to write on some of them."""

    intervals: IntArray
    is_quiet: BoolArray
    newest_day: IntArray  # of quiet pages up to each
    written: list[tuple[int | IntArray, bytes]]


class Exposing:
    """Exposures of one partition of listeners, by these definitions."""

    def __init__(self, definitions: Definitions, listeners_max: int) -> None:
        self.memory = ExposureMemory(listeners_max)
        self.counters: Counter[str] = Counter()
        self._definitions = definitions
        self._told: list[ExperimentExposure] = []
        self._schedule = definitions.schedule
        self._assigned: dict[tuple[int, bytes], _Planned] = {}
        """By interval of the schedule, and surface."""

    def take(self, columns: ImpressionColumns) -> ImpressionColumns:
        """Note the exposures of these pages; returns them with what each was shown with."""
        schedule = self._definitions.schedule
        if not schedule.changes_ms or not len(columns.event_ms) or columns.event_ms.max() < schedule.changes_ms[0]:
            return columns
        if schedule is not self._schedule or len(self._assigned) > _PLANS_MAX:
            self._schedule = schedule
            self._assigned.clear()
        quiet = self._quiet_pages(columns)
        text, written, told = columns.data.data, quiet.written, defaultdict[SettledListeners, _Settled](dict)
        for page in _pages_of(columns, quiet.intervals, np.flatnonzero(~quiet.is_quiet)):
            own = self._assigned.get((page.interval, page.surface)) or self._planned(page)
            if not own.plan.running:
                continue
            assigned_to = own.listeners.get(page.user) or _remembered(own.listeners, own.plan, page.user)
            shown = self._as_reported(own.plan, assigned_to, page.said) if page.said else assigned_to
            if page.said != shown.text:
                written.append((page.number, shown.text))
            day = page.event_ms // DAY_MS
            self.memory.advance(max(day, int(quiet.newest_day[page.number])))
            if page.is_seen and not shown.pairs <= self.memory.of(day, page.user):
                self._expose(own.plan, page, shown, name_of(bytes(text[slice(*page.event_id)])))
            if assigned_to.pairs <= self.memory.of(day, page.user):
                told[own.settled][page.user] = (assigned_to.text, day)
        self.memory.advance(int(quiet.newest_day[-1]))
        for settled, listeners in told.items():
            settled.put(list(listeners), *zip(*listeners.values(), strict=True))
        return _with_assignments(columns, written) if written else columns

    def _quiet_pages(self, columns: ImpressionColumns) -> "_Quiet":
        """The pages of which nothing is to be told: of listeners who have been told today, as they are assigned."""
        intervals = np.searchsorted(self._schedule.changes_ms, columns.event_ms, side="right")
        days, is_quiet = columns.event_ms // DAY_MS, np.zeros(len(intervals), dtype=np.bool_)
        quiet_day, written = np.zeros(len(intervals), dtype=np.int64), list[tuple[int | IntArray, bytes]]()
        open_from = max(self.memory.newest_day, int(days.max())) - DAYS
        spans = np.ascontiguousarray(columns.logged[:, _ASSIGNMENTS])
        surfaces = np.ascontiguousarray(columns.logged[:, _SURFACE])
        for (interval, _), own in self._assigned.items():
            is_here = (intervals == interval) & (own.surface.find(columns.data, surfaces) == 0)
            rows = np.flatnonzero(is_here)
            if not len(rows) or not own.plan.running:
                is_quiet |= is_here
                continue
            known = own.settled.find(columns.data, np.ascontiguousarray(columns.user_id[rows]))
            said = np.ascontiguousarray(spans[rows])
            is_said = said[:, 0] < said[:, 1]
            is_same = ~is_said | own.settled.are_texts(columns.data, said, known.text)
            is_told = (known.day == days[rows]) & is_same & (days[rows] >= open_from)
            is_quiet[rows] = is_told
            quiet_day[rows[is_told]] = days[rows[is_told]]
            unsaid = is_told & ~is_said
            for number in np.unique(known.text[unsaid]).tolist():
                if own.settled.texts[number]:
                    written.append((rows[unsaid & (known.text == number)], own.settled.texts[number]))
        return _Quiet(intervals, is_quiet, np.maximum.accumulate(quiet_day), written)

    def hand_over(self) -> list[ExperimentExposure]:
        """The exposures since the last call."""
        told, self._told = self._told, []
        self.memory.drop_old()
        return told

    def forget(self, user_id: str) -> None:
        """Forget what a listener has been exposed to."""
        self._assigned.clear()
        self.memory.forget(json_of(user_id))

    def _planned(self, page: _Page) -> _Planned:
        surface = name_of(page.surface)
        plan, index = self._schedule.plan(surface, page.event_ms), NameIndex.of([surface])
        found = self._assigned[page.interval, page.surface] = _Planned(plan, {}, SettledListeners(), index)
        return found

    def _as_reported(self, plan: Plan, own: Shown, said: bytes) -> Shown:
        """What the client reports, and of other experiments the assignment; differences are counted."""
        if said == own.text:
            return own._replace(reported=frozenset(experiment for experiment, _ in own.pairs))
        reported, assignment = assigned(name_of(said)), dict(own.pairs)
        for experiment, variant in reported.items():
            running = plan.running.get(experiment)
            if running is None:
                self.counters["assignments_not_running"] += 1
            elif variant not in running.variants:
                self.counters["assignments_of_no_variant"] += 1
            elif assignment.get(experiment) != variant:
                self.counters["assignments_mismatched"] += 1
        whole = {**assignment, **reported}
        text = json_of(assignments_of(whole))
        is_long = len(text) > ASSIGNMENTS_MAX
        self.counters["assignments_too_long"] += is_long
        pairs = frozenset(pair for pair in whole.items() if _is_told(plan, pair))
        return Shown(said if is_long else text, pairs, frozenset(reported))

    def _expose(self, plan: Plan, page: _Page, shown: Shown, impression_id: str) -> None:
        day = page.event_ms // DAY_MS
        if self.memory.is_over(day):
            self.counters["experiment_pages_too_late"] += 1
            return
        if not self.memory.has_room(day, page.user):
            self.counters["experiment_listeners_untold"] += 1
            return
        user_id, surface = name_of(page.user), name_of(page.surface)
        for experiment, variant in sorted(shown.pairs - self.memory.of(day, page.user)):
            running = plan.running[experiment]
            self._told.append(
                ExperimentExposure(
                    user_id=user_id,
                    experiment=experiment,
                    variant=variant,
                    layer=running.layer,
                    revision=running.revision,
                    event_ms=page.event_ms,
                    impression_id=impression_id,
                    surface=surface,
                    is_reported=experiment in shown.reported,
                )
            )
            self.counters["experiment_exposures"] += 1
        self.memory.add(day, page.user, shown.pairs)


def _is_told(plan: Plan, pair: tuple[str, str]) -> bool:
    running = plan.running.get(pair[0])
    return running is not None and pair[1] in running.variants


def _remembered(assigned_to: dict[bytes, Shown], plan: Plan, user: bytes) -> Shown:
    """The assignment of a listener; remembered, because most pages are of listeners with several."""
    if len(assigned_to) >= _REMEMBERED_MAX:
        assigned_to.clear()
    pairs = {arm.experiment: arm.variant for arm in plan.arms_of(name_of(user))}
    found = assigned_to[user] = Shown(assignments_of(pairs).encode(), frozenset(pairs.items()))
    return found


def _pages_of(columns: ImpressionColumns, intervals: IntArray, chosen: IntArray) -> Iterator[_Page]:
    text = columns.data.data  # slices of it are cheaper than those of an array
    logged = columns.logged[chosen]
    spans = columns.user_id[chosen], logged[:, _SURFACE], logged[:, _ASSIGNMENTS], columns.event_id[chosen]
    numbers = (
        chosen,
        intervals[chosen],
        columns.event_ms[chosen],
        columns.offsets[chosen],
        columns.offsets[chosen + 1],
    )
    of_page = zip(
        *(column.tolist() for column in numbers),
        *(side.tolist() for span in spans for side in (span[:, 0], span[:, 1])), strict=True,
    )  # fmt: skip
    for (
        number,
        interval,
        at_ms,
        first,
        last,
        user,
        user_end,
        surface,
        surface_end,
        said,
        said_end,
        name,
        end,
    ) in of_page:
        yield _Page(
            number,
            interval,
            at_ms,
            bytes(text[user:user_end]),
            bytes(text[surface:surface_end]),
            bytes(text[said:said_end]),
            (name, end),
            first < last,
        )


def _with_assignments(columns: ImpressionColumns, written: Sequence[tuple[int | IntArray, bytes]]) -> ImpressionColumns:
    """The columns with these assignments of some impressions; their texts follow those that were read."""
    starts, texts, at = dict[bytes, int](), list[bytes](), len(columns.data)
    for _, text in written:
        if text not in starts:
            starts[text] = at
            texts.append(text)
            at += len(text)
    data = np.concatenate([columns.data, np.frombuffer(b"".join(texts) + bytes(WORD), dtype=np.uint8)])
    logged = columns.logged.copy()
    for rows, text in written:
        logged[rows, _ASSIGNMENTS] = starts[text], starts[text] + len(text)
    return columns._replace(data=data, logged=logged)
