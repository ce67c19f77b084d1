"""Exposing: what each page was shown with, and the first page with each experiment that a listener saw on a day.

Pages are taken in the order of the log, before settlement. A page is judged by the definitions in force at the time at
which it was shown, so the facts do not depend on when it is processed. What its impression reports is believed; where
it reports nothing of an experiment, the listener's assignment counts. The result goes with the page to its outcomes.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from processors.experiments.assignment import Plan
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


class Exposing:
    """Exposures of one partition of listeners, by these definitions."""

    def __init__(self, definitions: Definitions, listeners_max: int) -> None:
        self.memory = ExposureMemory(listeners_max)
        self.counters: Counter[str] = Counter()
        self._definitions = definitions
        self._told: list[ExperimentExposure] = []
        self._own: tuple[Plan, dict[bytes, Shown]] | None = None

    def take(self, columns: ImpressionColumns) -> ImpressionColumns:
        """Note the exposures of these pages; returns them with what each was shown with."""
        schedule = self._definitions.schedule
        if not schedule.changes_ms or not len(columns.event_ms) or columns.event_ms.max() < schedule.changes_ms[0]:
            return columns
        text = columns.data.data  # slices of it are cheaper than those of an array
        written: dict[int, bytes] = {}
        spans = columns.user_id, columns.logged[:, _SURFACE], columns.logged[:, _ASSIGNMENTS]
        of_page = zip(columns.event_ms.tolist(), *(span.tolist() for span in spans), strict=True)
        for number, (event_ms, user, surface, reported) in enumerate(of_page):
            plan = schedule.plan(name_of(bytes(text[slice(*surface)])), event_ms)
            if not plan.running:
                continue
            name, said = bytes(text[slice(*user)]), bytes(text[slice(*reported)])
            shown = self._assigned(plan, name)
            if said and said != shown.text:
                shown = self._merged(plan, shown, said)
            elif said:
                shown = shown._replace(reported=_experiments_of(shown.pairs))
            if said != shown.text:
                written[number] = shown.text
            day = event_ms // DAY_MS
            self.memory.advance(day)
            if columns.offsets[number] == columns.offsets[number + 1]:
                continue  # nothing of the page was seen
            if not shown.pairs <= self.memory.of(day, name):
                self._expose(columns, number, plan, name, shown)
        return _with_assignments(columns, written) if written else columns

    def hand_over(self) -> list[ExperimentExposure]:
        """The exposures since the last call."""
        told, self._told = self._told, []
        self.memory.drop_old()
        return told

    def forget(self, user_id: str) -> None:
        """Forget what a listener has been exposed to."""
        self.memory.forget(json_of(user_id))

    def _assigned(self, plan: Plan, name: bytes) -> Shown:
        """The assignment of a listener; remembered, for most pages are of one plan and of listeners with several."""
        if self._own is None or self._own[0] is not plan or len(self._own[1]) >= _REMEMBERED_MAX:
            self._own = plan, {}
        found = self._own[1].get(name)
        if found is None:
            pairs = {arm.experiment: arm.variant for arm in plan.arms_of(name_of(name))}
            found = self._own[1][name] = Shown(assignments_of(pairs).encode(), frozenset(pairs.items()))
        return found

    def _merged(self, plan: Plan, own: Shown, said: bytes) -> Shown:
        """What the client reports, and of other experiments the assignment; differences are counted."""
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

    def _expose(self, columns: ImpressionColumns, number: int, plan: Plan, name: bytes, shown: Shown) -> None:
        event_ms = int(columns.event_ms[number])
        day = event_ms // DAY_MS
        if self.memory.is_over(day):
            self.counters["experiment_pages_too_late"] += 1
            return
        if not self.memory.has_room(day, name):
            self.counters["experiment_listeners_untold"] += 1
            return
        text = columns.data.data
        spans = columns.event_id[number], columns.logged[number, _SURFACE]
        impression_id, surface = (name_of(bytes(text[start:end])) for start, end in spans)
        for experiment, variant in sorted(shown.pairs - self.memory.of(day, name)):
            running = plan.running[experiment]
            self._told.append(
                ExperimentExposure(
                    user_id=name_of(name),
                    experiment=experiment,
                    variant=variant,
                    layer=running.layer,
                    revision=running.revision,
                    event_ms=event_ms,
                    impression_id=impression_id,
                    surface=surface,
                    is_reported=experiment in shown.reported,
                )
            )
            self.counters["experiment_exposures"] += 1
        self.memory.add(day, name, shown.pairs)


def _is_told(plan: Plan, pair: tuple[str, str]) -> bool:
    running = plan.running.get(pair[0])
    return running is not None and pair[1] in running.variants


def _experiments_of(pairs: Pairs) -> frozenset[str]:
    return frozenset(experiment for experiment, _ in pairs)


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
