"""How often a planted change is named: the demo without Kafka, one world a seed, ten hours with a change after five.

Run it as `python -m tests.drift.bench_planted 400 420`, for the worlds of `shelfwise demo --seed 400` to 419; half a
minute a world on one core; a third number divides streamed time by so much (12 as in the demo; below 1 it multiplies; 1
changes nothing). A change is *named* by an alert whose two groups have most of their members from the planted
co-cluster. Delays are those between the change and the end of the bucket that fired.

A size refers to the learned co-cluster, of whose streams only some are from the planted one. It is compared with what
was *observed*: the mean log1p(seconds) of the streams whose likeliest groups are those of the alert, in the three hours
before the change and from it to the alert.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from msgspec import Struct, structs

from processors.cocluster.online.settings import LearnerSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.planted_drift import Block, busiest_block
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.monitoring import DriftAlert, EngagementSums
from streams.demo.demo_settings import DemoSettings
from streams.settings import load
from tests.pure_loop import PureLoop

HOUR_MS = 3_600_000
MINUTES = 600
WORLD_SEED_ABOVE = 1_000_003  # as the demo's traffic has it


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was alerted in one world."""

    seed: int
    before_count: int
    leads: bool  # the first alert after the change names it
    incidents_count: int  # after the change
    size: tuple[float, float, float] | None  # of the alert that names it: as it says, and its interval
    observed: float | None  # the change of the alert's co-cluster
    false: dict[str, int]  # incidents that opened before the change, by quantity
    others: dict[str, int]  # incidents that opened after it, of other quantities
    events: int
    delays_h: tuple[float, ...]  # of the alerts that name the change
    beside_count: int  # alerts after the change that name another co-cluster
    ari: tuple[float, float]
    generation: int

    def __str__(self) -> str:
        named = f"named after {self.delays_h[0]:.1f} h" if self.delays_h else "not named"
        size = "" if self.size is None else " size {:.2f} ({:.2f} to {:.2f}),".format(*self.size)
        size += "" if self.observed is None else f" observed {self.observed:.2f},"
        return (
            f"world {self.seed}: {named},{size} {self.before_count} alerts before the change, "
            f"{self.beside_count} beside it, {self.incidents_count} incidents, "
            f"first {'right' if self.leads else 'another'}, "
            f"groups {self.ari[0]:.2f}/{self.ari[1]:.2f}, generation {self.generation}, {self.events} events, "
            f"incidents before {self.false}, of other quantities {self.others}"
        )


def as_it_is(ranking: RankingSettings, learner: LearnerSettings) -> tuple[RankingSettings, LearnerSettings]:
    return ranking, learner


def demo_loop(seed: int, change: Callable[..., tuple[RankingSettings, LearnerSettings]] = as_it_is) -> PureLoop:
    demo = DemoSettings(seed=seed)
    os.environ.update(demo.worker_environment)
    settings = load()
    ranking, learner = change(settings.listeners.ranking, settings.coclusters)
    return PureLoop(
        SatisfactionWorld(
            world_settings(demo.world, users=demo.users, cards=demo.cards), world_seed=seed + WORLD_SEED_ABOVE
        ),
        listeners=structs.replace(settings.listeners, rewards=("static", settings.ranking.reward), ranking=ranking),
        learner=learner,
        drift=settings.drift,
        visits_per_minute=demo.visits_per_second * demo.seconds / MINUTES,
        seed=seed,
    )


def play(seed: int, divided_by: float) -> Found:
    demo, played = DemoSettings(seed=seed), demo_loop(seed)
    length_ms, sums = demo.drift.bucket_length_ms, keep_sums(played)
    block: Block = busiest_block(played.world, played.activity)
    for _ in range(round(MINUTES * demo.shift_at)):
        played.step()
    changed_ms = played.now_ms
    played.world.shift(*block, -np.log(divided_by))
    for _ in range(round(MINUTES * (1.0 - demo.shift_at))):
        played.step()
    after = [a for a in played.alerts if a.bucket_ms + length_ms > changed_ms]
    right = [a for a in after if played.named(a) == block]
    opened = [incident for incident in played.incidents if incident.state == "open"]
    before = [incident for incident in opened if incident.bucket_ms + length_ms <= changed_ms]
    return Found(
        seed=seed,
        before_count=len(played.alerts) - len(after),
        leads=bool(right) and after[0] is right[0],
        incidents_count=len({a.incident_id for a in after}),
        size=(right[0].size, right[0].size_low, right[0].size_high) if right else None,
        observed=observed(sums, right[0], changed_ms, length_ms) if right else None,
        false=dict(Counter(incident.quantity for incident in before)),
        others=dict(Counter(one.quantity for one in opened if one not in before and one.quantity != "streaming-time")),
        events=played.counts["events"],
        delays_h=tuple((a.bucket_ms + length_ms - changed_ms) / HOUR_MS for a in right),
        beside_count=len(after) - len(right),
        ari=played.ari(),
        generation=played.model.generation if played.model else 0,
    )


def keep_sums(played: PureLoop) -> list[EngagementSums]:
    """All sums that the monitor will read."""
    kept: list[EngagementSums] = []
    read = played.monitor.engagement

    def keep(messages: Iterable[EngagementSums]) -> list[Struct]:
        listed = list(messages)
        kept.extend(listed)
        return read(listed)

    played.monitor.engagement = keep  # type: ignore[method-assign]
    return kept


def observed(sums: Iterable[EngagementSums], alert: DriftAlert, changed_ms: int, length_ms: int) -> float:
    """The change of mean log1p(seconds) among streams of the alert's groups, whole buckets only."""
    before, since = np.zeros(2), np.zeros(2)
    for message in sums:
        is_before = changed_ms - 3 * HOUR_MS <= message.bucket_ms <= changed_ms - length_ms
        if is_before or changed_ms <= message.bucket_ms <= alert.bucket_ms:
            rows = zip(message.user_group, message.card_group, message.log_total, message.streams, strict=True)
            for user_group, card_group, *counts in rows:
                if (user_group, card_group) == (alert.user_group, alert.card_group):
                    (before if is_before else since)[:] += counts
    return float(since[0] / since[1] - before[0] / before[1])


def main(first: int, end: int, divided_by: float = 12.0) -> None:
    worlds = []
    for seed in range(first, end):
        worlds.append(play(seed, divided_by))
        print(worlds[-1], flush=True)
    delays_h = [world.delays_h[0] for world in worlds if world.delays_h]
    before, beside = (sum(getattr(world, f"{side}_count") for world in worlds) for side in ("before", "beside"))
    print(
        f"named in {len(delays_h)} of {len(worlds)} worlds, after {np.median(delays_h or [np.nan]):.1f} h (median); "
        f"{before} alerts before the change, {beside} beside it"
    )
    sizes = [world.size for world in worlds if world.size]
    planted = -np.log(divided_by)
    within = sum(low <= planted <= high for _, low, high in sizes)
    print(
        f"first alert right in {sum(world.leads for world in worlds)}; "
        f"{sum(world.incidents_count for world in worlds)} incidents; planted {planted:.2f} within {within} of "
        f"{len(sizes)} intervals, size {np.median([size for size, _, _ in sizes] or [np.nan]):.2f} (median)"
    )
    known = [(world.observed, world.size) for world in worlds if world.size and world.observed is not None]
    print(
        f"observed {np.median([change for change, _ in known] or [np.nan]):.2f} (median), within "
        f"{sum(low <= change <= high for change, (_, low, high) in known)} of {len(known)} intervals"
    )
    totals: list[Counter[str]] = [
        sum(map(Counter, found), Counter())
        for found in zip(*((world.false, world.others) for world in worlds), strict=True)
    ]
    print(
        f"{sum(world.events for world in worlds)} events; incidents before the change {dict(totals[0])}, "
        f"after it of other quantities {dict(totals[1])}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:]))
