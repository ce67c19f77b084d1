"""Experiments of all kinds in the whole pipeline, with a kill in the middle: decisions are right, and the audit holds.

Each experiment has a surface of its own, and the same listeners: one has an effect, one has none, of one the clients
report a wrong variant to some, and one has an effect on its metric, after which listeners come back less often.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from processors.experiments.assignment import bucket_of, layer_key
from schemas.codec import decode, encode
from schemas.experiments import ExperimentDefinition
from schemas.impressions import Impression
from schemas.metric_windows import ExperimentDecision, MetricAlarm
from schemas.stream_ends import StreamEnd
from streams.publishing import Publisher
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings
from streams.worker_process import WorkerProcess
from tests.builders import card, experiment, impression, stream_end
from tests.pipeline.conftest import ENVIRONMENT, audited, records, run, wait_for
from tests.pipeline.test_pipeline import NOW_MS

DAY, DAYS, LISTENERS = 86_400_000, 4, 360
BEGIN_MS = (NOW_MS - 6 * DAY) // DAY * DAY
CARDS = tuple(f"c{number}" for number in range(6))
KINDS = ("effect", "none", "broken", "against")
"""Names of experiments, of their layers and of their surfaces."""
RANKED = ENVIRONMENT | {f"SHELFWISE_RANKING__SURFACES__{kind.upper()}__REWARD": "mean" for kind in KINDS}


def definitions() -> list[ExperimentDefinition]:
    halves = {"a": range(500), "b": range(500, 1_000)}
    return [
        experiment(kind, layer=kind, buckets=halves, surfaces=(kind,), listeners_min=100, effective_ms=BEGIN_MS)
        for kind in KINDS
    ]


def visits() -> Iterator[Impression | StreamEnd]:
    """Pages of every day and surface with what was played on them, in the order of their times."""
    rng = np.random.default_rng(9)
    for day in range(DAYS):
        events: list[Impression | StreamEnd] = []
        for place, definition in enumerate(definitions()):
            kind = definition.name
            for n in range(LISTENERS):
                user = f"u{n}-{kind}"
                is_b = bucket_of(user, layer_key(definition.layer, definition.salt)) >= 500
                comes = 0.8 - (0.45 if kind == "against" and is_b and day else 0.0)
                if rng.random() > comes:
                    continue
                rate = 0.25 + (0.25 if is_b and kind in {"effect", "against"} else 0.0)
                shown_ms = BEGIN_MS + day * DAY + 1_000 * (4 * n + place)
                name = f"{user}-{day}"
                page = impression(event_id=name, user_id=user, event_ms=shown_ms, cards=CARDS, seen=range(4))
                said = f"{kind}/a" if kind == "broken" and is_b and n % 3 == 0 else ""
                events.append(replace(page, surface=kind, assignments=said))
                for slot in np.flatnonzero(rng.random(4) < rate).tolist():
                    began_ms = shown_ms + 1_000 * (slot + 1)
                    events.append(
                        stream_end(event_id=f"{name}-{slot}", user_id=user, card_id=CARDS[slot], impression_id=name,
                                   started_ms=began_ms, event_ms=began_ms + 200_000, played_ms=200_000)
                    )  # fmt: skip
        yield from sorted(events, key=lambda one: one.event_ms)


async def publish(bootstrap: str) -> None:
    async with Publisher(bootstrap) as publisher:
        for definition in definitions():
            await publisher.publish("experiments", definition.name, encode(definition))


def decisions(bootstrap: str) -> dict[str, ExperimentDecision]:
    newest = dict(records(bootstrap, "experiment-decisions"))
    found = [decode("experiment-decisions", value) for value in newest.values() if value is not None]
    return {one.experiment: one for one in found}


def test_decisions_are_right_over_a_kill_and_the_audit_holds(bootstrap: str, tmp_path: Path) -> None:
    def worker() -> WorkerProcess:
        return WorkerProcess(bootstrap, RANKED, tmp_path / "worker.log")

    events = list(visits())
    half = len(events) // 2
    run(publish(bootstrap))
    run(send(bootstrap, [card(name) for name in CARDS], events[:half]))
    with worker() as victim:
        assert victim.process is not None
        wait_for(lambda: bool(decisions(bootstrap)), "decisions")
        os.kill(victim.process.pid, signal.SIGKILL)
    run(send(bootstrap, [], events[half:]))
    run(close_books(bootstrap, max(event.event_ms for event in events) + 2 * DAY, Settings()))
    with worker():
        wait_for(lambda: audited(bootstrap).holds, "the audit to hold")
        last = {"effect": "ship", "none": "continue", "broken": "split-broken", "against": "stop"}
        wait_for(lambda: {name: one.decision for name, one in decisions(bootstrap).items()} == last, "decisions")
    found = decisions(bootstrap)
    assert found["effect"].winner == "b"
    goal = next(one for one in found["effect"].differences if one.role == "goal")
    assert goal.low is not None
    assert goal.high is not None
    assert goal.low < 0.25 < goal.high
    assert "b: stream-rate rises and the KPI returning falls" in found["against"].reasons
    assert found["broken"].listeners["a"] > 1.5 * found["broken"].listeners["b"]
    alarms = [decode("metric-alarms", value or b"") for _, value in records(bootstrap, "metric-alarms")]
    raised: set[tuple[str, str]] = {(one.experiment, one.kpi) for one in alarms if isinstance(one, MetricAlarm)}
    assert raised == {("against", "returning")}
    assert audited(bootstrap).holds
