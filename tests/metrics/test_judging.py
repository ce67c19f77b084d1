"""Decisions: a planted effect ships, none does not, a broken split is called so, and a KPI is not to be sold."""

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace

from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from schemas.experiments import ExperimentDefinition, Guardrail
from schemas.metric_windows import ExperimentDecision, MetricAlarm
from tests.builders import experiment
from tests.metrics.told_signals import Told, signals
from tests.tasks.test_cores import Kept

DAY = 86_400_000
MEASURED = MetricsSettings(enabled=True, window_ms=DAY, baseline="a", quiet_looks=2)
HALVES = experiment("e", buckets={"a": range(500), "b": range(500, 1_000)}, listeners_min=500)


def days(
    *, effect: float = 0.0, comes_less: float = 0.0, share: float = 0.5, count: int = 8, listeners: int = 3_000,
    minutes: float = 1.0, seed: int = 1, crossed: int = 0,
) -> Iterator[list[Told]]:  # fmt: skip
    """Rows of each day: the treatment's rate is higher by `effect`, and its listeners come back less often."""
    rng = np.random.default_rng(seed)
    arm = rng.random(listeners) >= share
    taste = np.clip(0.25 + 0.08 * rng.standard_normal(listeners) + effect * arm, 0.0, 1.0)
    has_come = np.zeros(listeners, dtype=np.bool_)
    for day in range(count):
        rows = []
        came = rng.random(listeners) < 0.6 - comes_less * (arm & has_come)
        has_come |= came
        for n in np.flatnonzero(came).tolist():
            streamed = int(rng.binomial(8, taste[n]))
            variant = "b" if arm[n] else "a"
            told = Told(f"u{n}", window_ms=day * DAY, variant=variant, assignments=f"e/{variant}", exposures=8)
            played_ms = int(streamed * 300_000 * (minutes if arm[n] else 1.0))
            rows.append(told._replace(played=streamed, streamed=streamed, played_ms=played_ms))
            if n < crossed:
                rows.append(told._replace(assignments="e/b" if variant == "a" else "e/a"))
        yield rows


def decided(
    definition: ExperimentDefinition = HALVES, **planted: float
) -> tuple[ExperimentDecision, list[MetricAlarm]]:
    """The last decision and all alarms, with a look after each day."""
    metrics, alarms = Metrics(MEASURED), list[MetricAlarm]()
    metrics.put_definition(definition)
    decision = None
    for day, rows in enumerate(days(**planted), start=1):  # type: ignore[arg-type]
        metrics.take([signals(rows, settled_ms=day * DAY)])
        for message in metrics.publish().messages:
            if isinstance(message, ExperimentDecision):
                decision = message
            elif isinstance(message, MetricAlarm):
                alarms.append(message)
    assert decision is not None
    return decision, alarms


def test_a_better_variant_ships_and_a_worse_one_stops() -> None:
    decision, alarms = decided(effect=0.06)
    assert (decision.decision, decision.winner, alarms) == ("ship", "b", [])
    assert sum(decision.listeners.values()) > 2_900
    goal = next(one for one in decision.differences if one.role == "goal")
    assert goal.low is not None
    assert goal.high is not None
    assert goal.low < 0.06 < goal.high
    assert decided(effect=-0.06)[0].decision == "stop"


def test_without_an_effect_it_goes_on_until_its_time_is_over() -> None:
    assert decided()[0].decision == "continue"
    ended = decided(replace(HALVES, ends_ms=8 * DAY))[0]
    assert (ended.decision, ended.reasons[-1]) == ("stop", "the time is over, and no variant is known to be better")
    few = decided(replace(HALVES, listeners_min=2_000), effect=0.06)[0]
    assert few.decision == "continue"
    assert "fewer than 2000 listeners" in few.reasons[0]


def test_a_broken_split_is_called_so_whatever_the_metric_says() -> None:
    decision, _ = decided(effect=0.06, share=0.42)
    assert decision.decision == "split-broken"
    assert decision.ratio_p < 0.001


def test_a_guardrail_must_be_known_to_hold_and_one_that_does_not_stops() -> None:
    guarded = replace(HALVES, guardrails=(Guardrail(metric="minutes-per-page", loss_max=0.1),))
    assert decided(guarded, effect=0.08)[0].decision == "ship"
    broken, _ = decided(guarded, effect=0.08, minutes=0.5)
    assert broken.decision == "stop"
    assert "b: minutes-per-page loses more than its guardrail allows" in broken.reasons
    narrow = replace(HALVES, guardrails=(Guardrail(metric="minutes-per-page", loss_max=0.0),))
    unknown, _ = decided(narrow, effect=0.05, minutes=0.83)
    assert unknown.decision == "continue"
    assert "b: the guardrail minutes-per-page is not known to hold yet" in unknown.reasons


def test_a_metric_that_runs_against_the_kpi_raises_an_alarm_and_does_not_ship() -> None:
    decision, alarms = decided(effect=0.06, comes_less=0.2)
    assert decision.decision == "stop"
    assert "b: stream-rate rises and the KPI returning falls" in decision.reasons
    raised = {(one.experiment, one.kpi, one.state) for one in alarms}
    assert raised == {("e", "returning", "open"), ("", "returning", "open")}
    assert all(one.metric_low > 0.0 > one.kpi_high for one in alarms)


def test_alarms_without_an_effect_are_at_most_as_frequent_as_alpha() -> None:
    assert not any(decided(listeners=400, count=6, seed=seed)[1] for seed in range(20))


def test_an_open_alarm_closes_after_quiet_looks_and_survives_a_crash() -> None:
    metrics, kept = Metrics(MEASURED), Kept()
    for day, rows in enumerate(days(effect=0.06, comes_less=0.2), start=1):
        metrics.take([signals(rows, settled_ms=day * DAY)])
        metrics.publish()
        kept.keep(metrics.changed_rows())
    again = Metrics(MEASURED)
    again.restore(list(kept.rows.items()))
    assert again.alarms.open_count == metrics.alarms.open_count == 1
    assert not [one for one in again.publish().messages if isinstance(one, MetricAlarm)], "it is told once"
    closing = []
    late = 20 * DAY
    for look in range(12):  # listeners of b come back more often than before
        rows = [
            Told(f"u{n}", window_ms=late + look * DAY, variant="b", exposures=8, streamed=3, played_ms=900_000)
            for n in range(3_000)
        ]
        again.take([signals(rows, settled_ms=late + look * DAY)])
        closing += [one for one in again.publish().messages if isinstance(one, MetricAlarm)]
    assert [one.state for one in closing] == ["closed"]
    assert closing[0].number == 2


def test_listeners_of_two_variants_at_once_are_left_out_and_counted() -> None:
    decision, _ = decided(count=1, crossed=100)
    assert 0 < decision.crossed <= 100
    assert sum(decision.listeners.values()) + decision.crossed <= 3_000


def test_what_listeners_did_before_narrows_the_interval() -> None:
    metrics = Metrics(MEASURED)
    metrics.put_definition(HALVES)
    for day, rows in enumerate(days(count=8), start=1):
        shown = rows if day > 4 else [row._replace(assignments="") for row in rows]
        metrics.take([signals(shown, settled_ms=day * DAY)])
    decision = next(one for one in metrics.publish().messages if isinstance(one, ExperimentDecision))
    goal = next(one for one in decision.differences if one.role == "goal")
    assert goal.variance_left == pytest.approx(0.78, abs=0.15)


def test_a_decision_is_withdrawn_with_its_experiment() -> None:
    metrics, kept = Metrics(MEASURED), Kept()
    metrics.put_definition(HALVES)
    metrics.take([signals(next(days()))])
    metrics.publish()
    kept.keep(metrics.changed_rows())
    again = Metrics(MEASURED)
    again.restore(list(kept.rows.items()))
    assert (ExperimentDecision, "e") in again.publish().withdrawn


def test_the_split_is_judged_by_the_shares_of_the_time() -> None:
    """A revision gives four fifths of newcomers to b; listeners of the window in which it comes do not count."""
    first = HALVES.phase
    shares = {"a": 0.2, "b": 0.8}
    later = replace(
        HALVES,
        revision=2,
        effective_ms=2 * DAY + 5,
        earlier=(first,),
        variants=tuple(replace(one, share=shares[one.name], buckets=()) for one in HALVES.variants),
    )
    arms = {0: 0.5, 2: 0.99, 3: 0.2}
    rows = [
        Told(f"u{day}-{n}", window_ms=day * DAY, assignments="e/a" if n < 1_000 * share else "e/b")
        for day, share in arms.items()
        for n in range(1_000)
    ]
    for definition, is_broken in ((later, False), (HALVES, True)):
        metrics = Metrics(MEASURED)
        metrics.put_definition(definition)
        metrics.take([signals(rows)])
        decision = next(one for one in metrics.publish().messages if isinstance(one, ExperimentDecision))
        assert (decision.decision == "split-broken") == is_broken
