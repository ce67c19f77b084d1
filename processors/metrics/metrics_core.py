"""The metrics task: sums of signals in, windows of metrics, decisions on experiments and alarms out.

Everything that is published is a function of the sums, of the definitions, and of how far event time has settled.
Definitions come from a broadcast topic: when one is read decides when it is judged first, not what is counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from processors.metrics.alarms import Alarms, AlarmState, Pair
from processors.metrics.cells import Cells, Kind
from processors.metrics.experiment_judging import arms_by_kind, compared, exposed, judge
from processors.metrics.listener_ratios import Difference
from processors.metrics.metrics_settings import KPIS, MetricsSettings
from processors.metrics.populations import Days, Population, population
from processors.metrics.windows import Asked, windows_of
from processors.settlement.state.rows import Row
from schemas.experiments import ExperimentDefinition
from schemas.metric_signals import MetricSignals, Signalled
from schemas.metric_windows import ExperimentDecision, MetricAlarm, MetricWindow, WindowKind
from schemas.variant_names import in_metrics

PARTITION_KEY = b"p"
_PUBLISHED = b"w/"
VARIANTS_MAX = 20
"""Clients' variants of a surface that are compared with the baseline, by name: their number is the clients' choice."""

Place = tuple[WindowKind, int]


class Published(NamedTuple):
    """Messages, and keys to withdraw from the topics of these types."""

    messages: list[MetricWindow | ExperimentDecision | MetricAlarm]
    withdrawn: list[tuple[type[Struct], str]]


class _PartitionRow(Struct, array_like=True):
    signal_count: int = 0
    settled_ms: dict[str, int] = {}  # by source
    told_ms: int = 0  # how far event time had settled when windows were last published
    floor_ms: int = 0  # windows before it have been dropped
    waiting: list[int] = []  # windows that have changed since they were published
    counters: dict[str, int] = {}
    evidence: dict[str, float] = {}  # against the split, by experiment: the largest of all looks
    decided: list[str] = []
    alarms: dict[str, AlarmState] = {}


class Metrics:
    """Sums, and what follows from them."""

    def __init__(self, settings: MetricsSettings) -> None:
        self.settings = settings
        self.cells = Cells()
        self.counters: Counter[str] = Counter()
        self.alarms = Alarms(settings.quiet_looks)
        self.definitions: dict[str, ExperimentDefinition] = {}
        self._own = _PartitionRow()
        self._waiting: set[int] = set()
        self._keys: dict[Place, list[str]] = {}
        self._keys_changed: set[Place] = set()
        self._is_changed = self._is_due = False

    @property
    def signal_count(self) -> int:
        """Number of rows of signals, and of listeners to forget, read."""
        return self._own.signal_count

    @property
    def settled_until_ms(self) -> int:
        """Event time by which all exposures have settled, in every partition that has told anything."""
        return min(self._own.settled_ms.values(), default=0)

    def put_definition(self, definition: ExperimentDefinition) -> None:
        """Judge this experiment from now on, or by its newest revision."""
        self.definitions[definition.name] = definition
        self._is_due = True

    def withdraw_definition(self, name: str) -> None:
        """Judge an experiment no more; its decision is withdrawn."""
        self._is_due |= self.definitions.pop(name, None) is not None

    def take(self, messages: Iterable[Signalled]) -> None:
        """Add signals, and forget listeners, in the order of the topic."""
        for message in messages:
            self._is_changed = self._is_due = True
            if isinstance(message, MetricSignals):
                self._own.signal_count += len(message.user_id)
                known_ms = self._own.settled_ms.get(message.source, 0)
                self._own.settled_ms[message.source] = max(known_ms, message.settled_until_ms)
                self.cells.add(message)
            else:
                self._own.signal_count += 1
                self.cells.forget(message.user_id)
        self._waiting.update(self.cells.changed_windows())
        self._drop_old()

    def publish(self) -> Published:
        """What has changed since the last call."""
        if not self._is_due:
            return Published([], [])
        gone = [(MetricWindow, key) for place in self._past() for key in self._forgotten(place)]
        windows = list(self._windows())
        decisions = list(self._decisions())
        undecided = [(ExperimentDecision, name) for name in self._own.decided if name not in self.definitions]
        for _, name in undecided:
            self._own.evidence.pop(name, None)
        self._own.decided = sorted(self.definitions)
        alarms = list(self.alarms.look(list(self._looks()), max(0, self.settled_until_ms)))
        self._own.told_ms, self._waiting = self.settled_until_ms, set()
        self._is_due, self._is_changed = False, True
        self.counters["alarms_opened"] += sum(alarm.state == "open" for alarm in alarms)
        return Published([*windows, *decisions, *alarms], [*gone, *undecided])

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        yield from self.cells.changed_rows()
        for place in sorted(self._keys_changed):
            keys = self._keys.get(place)
            value = None if keys is None else msgspec.msgpack.encode(keys)
            yield _PUBLISHED + b"%s/%d" % (place[0].encode(), place[1]), value
        self._keys_changed.clear()
        if self._is_changed:
            self._own.waiting, self._own.counters = sorted(self._waiting), dict(self.counters)
            self._own.alarms = self.alarms.states
            yield PARTITION_KEY, msgspec.msgpack.encode(self._own)
        self._is_changed = False

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore what wrote these rows."""
        of_cells = []
        for key, value in rows:
            if key == PARTITION_KEY:
                self._own = msgspec.msgpack.decode(value, type=_PartitionRow)
            elif key.startswith(_PUBLISHED):
                kind, begin_ms = key[len(_PUBLISHED) :].decode().split("/")
                self._keys["day" if kind == "day" else "window", int(begin_ms)] = msgspec.msgpack.decode(value)
            else:
                of_cells.append((key, value))
        self.cells.restore(of_cells)
        self.cells.changed_windows()
        self._waiting, self.counters = set(self._own.waiting), Counter(self._own.counters)
        self.alarms.states = self._own.alarms
        self._is_due = bool(self._own.signal_count)

    def _drop_old(self) -> None:
        """Let the oldest windows leave that are past the history, or for which there is no room."""
        columns = self.cells.columns()
        if not len(columns.user):
            return
        newest_ms = int(columns.window_ms.max()) + self.settings.window_ms
        floor_ms = max(self._own.floor_ms, newest_ms - self.settings.history_ms)
        while len(self.cells) > self.settings.cells_max:
            oldest_ms = int(self.cells.columns().window_ms.min())
            floor_ms = max(floor_ms, oldest_ms + self.settings.window_ms)
            self.counters["windows_dropped_early"] += len(self.cells.drop_before(floor_ms))
        if int(self.cells.columns().window_ms.min(initial=floor_ms)) < floor_ms:
            self.cells.drop_before(floor_ms)
        self._own.floor_ms = max(self._own.floor_ms, floor_ms)
        self._waiting = {window_ms for window_ms in self._waiting if window_ms >= self._own.floor_ms}

    def _past(self) -> list[Place]:
        """Published windows and days that have left."""
        length = {"window": self.settings.window_ms, "day": self.settings.day_ms}
        return [place for place in sorted(self._keys) if place[1] + length[place[0]] <= self._own.floor_ms]

    def _forgotten(self, place: Place) -> list[str]:
        self._keys_changed.add(place)
        return self._keys.pop(place)

    def _windows(self) -> Iterator[MetricWindow]:
        asked = [*self._changed("window", self.settings.window_ms), *self._changed("day", self.settings.day_ms)]
        for found in windows_of(self.cells, self.settings, asked, self.settled_until_ms, self.signal_count):
            place: Place = (found.kind, found.window_ms)
            known = self._keys.setdefault(place, [])
            if found.key not in known:
                known.append(found.key)
                self._keys_changed.add(place)
            yield found

    def _changed(self, kind: WindowKind, length_ms: int) -> Iterator[Asked]:
        """Windows or days whose sums have changed, or that have settled; and days whose next day has done so."""
        window_ms = self.cells.columns().window_ms
        begins: list[int] = np.unique(window_ms // length_ms * length_ms).tolist()
        changed = {begin_ms // length_ms * length_ms for begin_ms in self._waiting}
        follows = 1 if kind == "day" else 0
        for begin_ms in begins:
            ends = [begin_ms + length_ms * (1 + step) for step in range(follows + 1)]
            is_changed = any(begin_ms + length_ms * step in changed for step in range(follows + 1))
            if is_changed or any(self._own.told_ms < end_ms <= self.settled_until_ms for end_ms in ends):
                yield Asked(kind, begin_ms, length_ms)

    def _decisions(self) -> Iterator[ExperimentDecision]:
        for name, definition in sorted(self.definitions.items()):
            worst = self._own.evidence.get(name, 0.0)
            decision, self._own.evidence[name] = judge(
                definition, self.cells, self.settings, self.settled_until_ms, self.signal_count, worst
            )
            begun_ms = max(
                definition.begins_ms, min(one.effective_ms for one in (*definition.earlier, definition.phase))
            )
            if begun_ms < self._own.floor_ms:
                note = "the experiment began before the history of the metrics: its first windows do not count"
                decision = msgspec.structs.replace(decision, reasons=(*decision.reasons, note))
            yield decision

    def _looks(self) -> Iterator[tuple[Pair, Difference, Difference]]:
        """Differences of optimised metrics and KPIs of all variants from their baselines."""
        found = [*self._of_clients(), *self._of_experiments()]
        alpha = self.settings.alpha / max(1, sum(len(arms) - 1 for _, _, arms, _ in found) * len(KPIS))
        for surface, experiment, arms, listeners in found:
            metric = self.settings.success_of(surface)
            for number, variant in enumerate(arms[1:], start=1):
                for kpi in KPIS:
                    pair = Pair(surface, experiment, variant, arms[0], metric, kpi)
                    both = [compared(listeners, 0, number, name, alpha) for name in (metric, kpi)]
                    if metric != kpi and both[0] is not None and both[1] is not None:
                        yield pair, both[0], both[1]

    def _of_clients(self) -> Iterator[tuple[str, str, list[str], Population]]:
        kinds = self.cells.kinds()
        variants: dict[str, set[str]] = {}
        for kind in kinds.values():
            variants.setdefault(kind.logged.surface, set()).add(in_metrics(kind.logged.variant))
        days, baseline = Days(self.settings.day_ms, self.settled_until_ms), self.settings.baseline
        for surface, names in sorted(variants.items()):
            if baseline in names and len(names) > 1:
                arms = [baseline, *sorted(names - {baseline})[:VARIANTS_MAX]]
                of_kind = arms_by_kind(kinds, partial(_client_arm, surface, arms))
                yield surface, "", arms, population(self.cells.columns(), of_kind, days, self.cells.nobody())

    def _of_experiments(self) -> Iterator[tuple[str, str, list[str], Population]]:
        days = Days(self.settings.day_ms, self.settled_until_ms)
        for name, definition in sorted(self.definitions.items()):
            arms = [variant.name for variant in definition.variants]
            yield definition.surfaces[0], name, arms, exposed(self.cells, definition, days, self.settings.window_ms)


def _client_arm(surface: str, arms: list[str], kind: Kind) -> int:
    variant = in_metrics(kind.logged.variant)
    return arms.index(variant) if kind.logged.surface == surface and variant in arms else -1
