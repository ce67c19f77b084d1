"""False incidents per million events without a change, and planted changes: named, how large, and how soon."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np
from msgspec import structs
from scipy.stats import chi2

from processors.drift.settings import DriftSettings
from processors.worlds.soft_blocks import PlantedChange
from schemas.monitoring import DriftIncident, DriftQuantity
from streams.benchmarks.drift.soft_run import Incidents, SoftRun, incidents_of

MILLION = 1_000_000
CALM_BUCKETS = 288
"""Two days: monitors start anew with each world, as they do with each generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A planted change, and the quantity whose incident must name it; at most so many buckets before and after it."""

    change: PlantedChange
    quantity: DriftQuantity = "streaming-time"
    before: int = 60
    after: int = 60


PLANTED: dict[str, Planted] = {
    "length / 12": Planted(change=PlantedChange("length", -log(12.0))),
    "length / 5": Planted(change=PlantedChange("length", -log(5.0))),
    "length / 2.7": Planted(change=PlantedChange("length", -log(2.7))),
    "length x 1.5": Planted(change=PlantedChange("length", log(1.5)), before=100, after=144),
    "migration of 30% of a group": Planted(change=PlantedChange("migration"), quantity="user-group-share"),
    "30% of listeners: propensities of 1": Planted(change=PlantedChange("ones"), quantity="sure-propensity-share"),
    "30% of listeners: no propensities": Planted(change=PlantedChange("unreadable"), quantity="dead-letter-share"),
    "30% of listeners: half the streams": Planted(change=PlantedChange("rate"), quantity="stream-rate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftBench:
    """Events without a change; worlds for each planted one; and worlds for each cell of what is detectable."""

    calm_events: int = 2 * MILLION
    worlds: int = 20
    table_worlds: int = 3
    rate: float = 1.0
    visits: int = 1_000
    seed: int = 1

    @property
    def settings(self) -> DriftSettings:
        """Defaults, with this rate of false alarms."""
        return DriftSettings(false_alarms_per_million=self.rate)


def bench_drift(bench: DriftBench, on_row: Callable[[str], None]) -> dict[str, Any]:
    """Calm worlds, planted changes, and the table of what is detectable."""
    found: dict[str, Any] = {"benchmark": "drift", "false_alarms_per_million": bench.rate, "visits": bench.visits}
    if bench.calm_events:
        found["without a change"] = calm(bench, on_row)
    if bench.worlds:
        found["planted"] = {}
        for name, planted in PLANTED.items():
            found["planted"][name] = _planted(bench, planted)
            on_row(f"{name}: {found['planted'][name]}")
    if bench.table_worlds:
        found["buckets until half of the worlds are named"] = detectable(bench, on_row)
    return found


def calm(bench: DriftBench, on_row: Callable[[str], None]) -> dict[str, Any]:
    """False incidents per million events, with the exact 95% interval of a Poisson count."""
    events = false = 0
    quantities: dict[str, int] = {}
    for run in _calm_runs(bench):
        found = incidents_of(run, bench.settings)
        events += found.events
        for _, message in found.messages:
            if message.state == "open":
                false += 1
                quantities[message.quantity] = quantities.get(message.quantity, 0) + 1
        on_row(f"{events} events without a change: {false} false incidents {quantities or ''}")
        if events >= bench.calm_events:
            break
    per_million = MILLION / events
    return {
        "events": events,
        "false_incidents": false,
        "per_million": false * per_million,
        "low": float(chi2.ppf(0.025, 2 * false)) / 2.0 * per_million if false else 0.0,
        "high": float(chi2.ppf(0.975, 2 * false + 2)) / 2.0 * per_million,
        "configured": bench.rate,
    }


def _calm_runs(bench: DriftBench) -> Iterator[SoftRun]:
    seed = bench.seed + 500_000
    while True:
        yield SoftRun(seed=seed, visits=bench.visits, before=CALM_BUCKETS, after=0)
        seed += 1


def naming(found: Incidents, planted: Planted) -> tuple[int, DriftIncident] | None:
    """The first incident since the change that names it, as it opened; None if another co-cluster leads it."""
    for at, message in found.opened_after():
        if message.quantity == planted.quantity:
            is_right = planted.quantity != "streaming-time" or message.subjects[0] == found.block
            return (at, message) if is_right else None
    return None


def _planted(bench: DriftBench, planted: Planted) -> dict[str, Any]:
    runs = SoftRun(seed=0, visits=bench.visits, before=planted.before, after=planted.after, change=planted.change)
    delays, sizes, holds, holds_closed, before, beside = [], [], 0, 0, 0, 0
    size = planted.change.log_factor
    for seed in range(bench.seed, bench.seed + bench.worlds):
        found = incidents_of(replace(runs, seed=seed), bench.settings)
        before += found.opened_before
        named = naming(found, planted)
        beside += len(found.opened_after()) - (named is not None)
        if named is None:
            continue
        closed = found.newest(named[1].incident_id)
        delays.append(named[0] + 1)
        sizes.append(closed.size)
        holds += named[1].size_low <= size <= named[1].size_high
        holds_closed += closed.size_low <= size <= closed.size_high
    is_sized = planted.quantity == "streaming-time"
    return {
        "named": f"{len(delays)} of {bench.worlds}",
        "buckets": float(np.median(delays)) if delays else None,
        "planted": size if is_sized else None,
        "found": float(np.median(sizes)) if sizes else None,
        "interval_holds_at_opening": holds if is_sized else None,
        "at_closing": holds_closed if is_sized else None,
        "incidents_before": before,
        "beside": beside,
    }


def detectable(bench: DriftBench, on_row: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """By visits in a bucket and size of the change: the median delay until the busiest block is named, in buckets.

    Nothing stands where fewer than half of the worlds were named within a day.
    """
    found: dict[str, dict[str, Any]] = {}
    for visits in (300, 1_000, 3_000, 10_000):
        row: dict[str, Any] = {}
        streams = []
        for name in ("length / 12", "length / 5", "length / 2.7", "length x 1.5"):
            delays = []
            for seed in range(bench.seed + 700_000, bench.seed + 700_000 + bench.table_worlds):
                run = SoftRun(seed=seed, visits=visits, before=100, after=144, change=PLANTED[name].change)
                played = incidents_of(run, structs.replace(bench.settings, watch_shares=False))
                named = naming(played, PLANTED[name])
                delays.append(np.inf if named is None else named[0] + 1.0)
                streams.append(played.streams * played.traffic)
            median = float(np.median(delays))
            row[name.removeprefix("length ")] = median if np.isfinite(median) else None
        found[f"{visits} visits, {np.mean(streams):.0f} streams of the block"] = row
        on_row(f"{visits} visits: {row}")
    return found
