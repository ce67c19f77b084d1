"""Exposing: what each page was shown with, and the first page with each experiment that a listener saw on a day.

Pages are taken in the order of the log, before settlement. A page is judged by the definitions in force at the time at
which it was shown, so the facts do not depend on when it is processed. What its impression reports is believed; where
it reports nothing of an experiment, the listener's assignment counts. The result goes with the page to its outcomes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from processors.experiments.assignment import Plan, Schedule
from processors.experiments.definitions import Definitions
from processors.experiments.exposure_memory import ExposureMemory, Pairs
from processors.wire.impressions import LOGGED, ImpressionColumns
from processors.wire.loads import WORD
from processors.wire.name_index import json_of, name_of
from schemas.experiments import ASSIGNMENTS_MAX, DAY_MS, ExperimentExposure, assigned, assignments_of

_ASSIGNMENTS, _SURFACE = LOGGED.index("assignments"), LOGGED.index("surface")
_REMEMBERED_MAX = 65_536


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


class Exposing:
    """Exposures of one partition of listeners, by these definitions."""

    def __init__(self, definitions: Definitions, listeners_max: int) -> None:
        self.memory = ExposureMemory(listeners_max)
        self.counters: Counter[str] = Counter()
        self._definitions = definitions
        self._told: list[ExperimentExposure] = []
        self._schedule = definitions.schedule
        self._assigned: dict[tuple[int, bytes], tuple[Plan, dict[bytes, Shown]]] = {}
        """The plan of each interval and surface, and the assignments by it."""

    def take(self, columns: ImpressionColumns) -> ImpressionColumns:
        """Note the exposures of these pages; returns them with what each was shown with."""
        schedule = self._definitions.schedule
        if not schedule.changes_ms or not len(columns.event_ms) or columns.event_ms.max() < schedule.changes_ms[0]:
            return columns
        if schedule is not self._schedule:
            self._schedule = schedule
            self._assigned.clear()
        text, written = columns.data.data, dict[int, bytes]()
        for page in _pages_of(columns, schedule):
            plan, assigned_to = self._assigned.get((page.interval, page.surface)) or self._planned(page)
            if not plan.running:
                continue
            shown = assigned_to.get(page.user) or _remembered(assigned_to, plan, page.user)
            if page.said:
                shown = self._as_reported(plan, shown, page.said)
            if page.said != shown.text:
                written[page.number] = shown.text
            day = page.event_ms // DAY_MS
            self.memory.advance(day)
            if page.is_seen and not shown.pairs <= self.memory.of(day, page.user):
                self._expose(plan, page, shown, name_of(bytes(text[slice(*page.event_id)])))
        return _with_assignments(columns, written) if written else columns

    def hand_over(self) -> list[ExperimentExposure]:
        """The exposures since the last call."""
        told, self._told = self._told, []
        self.memory.drop_old()
        return told

    def forget(self, user_id: str) -> None:
        """Forget what a listener has been exposed to."""
        self.memory.forget(json_of(user_id))

    def _planned(self, page: _Page) -> tuple[Plan, dict[bytes, Shown]]:
        plan = self._schedule.plan(name_of(page.surface), page.event_ms)
        found = self._assigned[page.interval, page.surface] = plan, {}
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


def _pages_of(columns: ImpressionColumns, schedule: Schedule) -> Iterator[_Page]:
    text = columns.data.data  # slices of it are cheaper than those of an array
    intervals = np.searchsorted(schedule.changes_ms, columns.event_ms, side="right")
    spans = columns.user_id, columns.logged[:, _SURFACE], columns.logged[:, _ASSIGNMENTS], columns.event_id
    of_page = zip(
        intervals.tolist(), columns.event_ms.tolist(), columns.offsets[:-1].tolist(), columns.offsets[1:].tolist(),
        *(side.tolist() for span in spans for side in (span[:, 0], span[:, 1])), strict=True,
    )  # fmt: skip
    number = 0
    for interval, at_ms, first, last, user, user_end, surface, surface_end, said, said_end, name, name_end in of_page:
        yield _Page(
            number,
            interval,
            at_ms,
            bytes(text[user:user_end]),
            bytes(text[surface:surface_end]),
            bytes(text[said:said_end]),
            (name, name_end),
            first < last,
        )
        number += 1  # noqa: SIM113  a pair for each page costs more


def _with_assignments(columns: ImpressionColumns, written: Mapping[int, bytes]) -> ImpressionColumns:
    """The columns with these assignments of some impressions; their texts follow those that were read."""
    starts, texts, at = dict[bytes, int](), list[bytes](), len(columns.data)
    for text in written.values():
        if text not in starts:
            starts[text] = at
            texts.append(text)
            at += len(text)
    data = np.concatenate([columns.data, np.frombuffer(b"".join(texts) + bytes(WORD), dtype=np.uint8)])
    logged = columns.logged.copy()
    for number, text in written.items():
        logged[number, _ASSIGNMENTS] = starts[text], starts[text] + len(text)
    return columns._replace(data=data, logged=logged)
