"""An experiment in the whole pipeline: exposures exactly once over kill -9, and a revision at a definite time."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from processors.experiments.layer_admission import admitted
from schemas.codec import decode, encode
from schemas.experiments import ExperimentDefinition, ExperimentExposure, Overrides, assigned
from schemas.impressions import Impression
from schemas.rankings import ShelfRanking
from streams.publishing import Publisher
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings
from streams.worker_process import WorkerProcess
from tests.builders import experiment
from tests.pipeline.conftest import audited, records, run, wait_for
from tests.pipeline.test_pipeline import NOW_MS, traffic

REVISED_MS = NOW_MS + 10_000_000
STATIC = Overrides(reward="static", policy="greedy")


def revisions() -> list[ExperimentDefinition]:
    found: dict[str, ExperimentDefinition] = {}
    made = []
    for effective_ms, shares in ((NOW_MS + 1_000_000, (0.3, 0.3)), (REVISED_MS, (0.5, 0.5))):
        wanted = experiment(shares=dict(zip("ab", shares, strict=True)), overrides={"b": STATIC})
        found["test"] = admitted(wanted, found, effective_ms)
        made.append(found["test"])
    return made


async def publish(bootstrap: str, definition: ExperimentDefinition) -> None:
    async with Publisher(bootstrap) as publisher:
        await publisher.publish("experiments", definition.name, encode(definition))


def exposures(bootstrap: str) -> list[ExperimentExposure]:
    return [decode("experiment-exposures", value) for _, value in records(bootstrap, "experiment-exposures")]


def newest_rankings(bootstrap: str) -> Sequence[ShelfRanking]:
    newest = dict(records(bootstrap, "shelf-rankings"))
    return [decode("shelf-rankings", value) for value in newest.values() if value is not None]


def test_over_a_kill_and_a_revision_each_is_exposed_once_and_ranked_by_her_variant(
    bootstrap: str, worker: Callable[[], WorkerProcess]
) -> None:
    home = traffic(pages=700, seed=11)
    events = [
        replace(one, assignments="test/a") if isinstance(one, Impression) and one.user_id == "u1" else one
        for one in home.events_until(NOW_MS + 10**10)
    ]
    revised_at = next(at for at, one in enumerate(events) if one.event_ms >= REVISED_MS)
    first, second = revisions()
    run(publish(bootstrap, first))
    run(send(bootstrap, home.catalogue, events[: revised_at // 2]))
    with worker() as victim:
        assert victim.process is not None
        wait_for(lambda: len(exposures(bootstrap)) > 10, "exposures")
        run(send(bootstrap, [], events[revised_at // 2 : revised_at]))
        os.kill(victim.process.pid, signal.SIGKILL)
    run(publish(bootstrap, second))
    run(send(bootstrap, [], events[revised_at:]))
    run(close_books(bootstrap, max(event.event_ms for event in events), Settings()))
    with worker():
        wait_for(lambda: audited(bootstrap).holds, "the audit to hold")
    told = exposures(bootstrap)
    assert len({(one.user_id, one.variant, one.day_ms) for one in told}) == len(told) > 50
    assert {one.revision for one in told} == {1, 2}
    assert {one.variant for one in told if one.user_id == "u1" and one.is_reported} == {"a"}
    policies = Counter(
        (assigned(one.assignments)["test"], one.policy_version, one.reward_version)
        for one in newest_rankings(bootstrap)
        if one.event_ms >= REVISED_MS
    )
    assert policies.keys() == {("a", "epsilon-greedy-0.1", "mean"), ("b", "greedy", "static")}
    assert min(policies.values()) > 10
