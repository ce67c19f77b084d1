"""Judges experiments: differences that hold at any time, the split, guardrails, and what follows from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Literal, NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.metrics.cells import Cells, Kind
from processors.metrics.listener_ratios import Arm, Difference, difference_of
from processors.metrics.metric_table import METRICS
from processors.metrics.metrics_settings import KPIS, MetricsSettings
from processors.metrics.populations import Days, Population, population
from processors.metrics.sample_ratio import split_evidence, split_p
from schemas.experiments import ExperimentDefinition, Phase, assigned
from schemas.metric_windows import ExperimentDecision, MetricDifference

Role = Literal["goal", "guardrail", "kpi", "other"]


class Judged(NamedTuple):
    """What is known of one treatment by one metric, and whether its guardrail holds (None: unknown, or none asked)."""

    told: MetricDifference
    found: Difference | None
    is_within: bool | None


class Verdict(NamedTuple):
    """A decision with its reasons."""

    decision: Literal["ship", "stop", "continue", "split-broken"]
    winner: str
    reasons: list[str]


def judge(
    definition: ExperimentDefinition, cells: Cells, settings: MetricsSettings, settled_until_ms: int,
    signal_count: int, worst_evidence: float,
) -> tuple[ExperimentDecision, float]:  # fmt: skip
    """The decision by now, and the largest evidence against the split of all looks, `worst_evidence` until now."""
    names = [variant.name for variant in definition.variants]
    found = exposed(cells, definition, Days(settings.day_ms, settled_until_ms), settings.window_ms)
    listeners = {name: int(found.of_arm(number).sum()) for number, name in enumerate(names)}
    evidence = max(worst_evidence, _evidence(definition, found, settings.window_ms))
    judged = list(_judged(definition, found))
    ratio_p = split_p(evidence)
    verdict = _verdict(definition, judged, listeners, ratio_p, settled_until_ms)
    shares = np.array([variant.share for variant in definition.variants])
    decision = ExperimentDecision(
        experiment=definition.name,
        revision=definition.revision,
        decision=verdict.decision,
        winner=verdict.winner,
        reasons=tuple(verdict.reasons),
        goal=definition.metric,
        event_ms=max(0, settled_until_ms),
        listeners=listeners,
        expected_shares=dict(zip(names, (shares / max(shares.sum(), 1e-12)).tolist(), strict=True)),
        ratio_p=ratio_p,
        crossed=found.crossed,
        differences=tuple(one.told for one in judged),
        signal_count=signal_count,
    )
    return decision, evidence


def exposed(cells: Cells, definition: ExperimentDefinition, days: Days, window_ms: int) -> Population:
    """The listeners of an experiment, by the variant that their pages were logged with."""
    names = [variant.name for variant in definition.variants]

    def arm_of(kind: Kind) -> int:
        variant = assigned(kind.logged.assignments).get(definition.name)
        is_here = kind.logged.surface in definition.surfaces and variant in names
        return names.index(variant) if is_here and variant is not None else -1

    begins_ms = definition.begins_ms // window_ms * window_ms
    between = begins_ms, 2**62 if definition.ends_ms is None else definition.ends_ms
    return population(cells.columns(), arms_by_kind(cells.kinds(), arm_of), days, cells.nobody(), between)


def arms_by_kind(kinds: Mapping[int, Kind], arm_of: Callable[[Kind], int]) -> IntArray:
    """The arm of each kind by its number; -1 for none."""
    arms = np.full(max(kinds, default=-1) + 1, -1)
    for number, kind in kinds.items():
        arms[number] = arm_of(kind)
    return arms


def compared(
    found: Population, control: int, treatment: int, metric: str, alpha: float, scale: float = 1.0
) -> Difference | None:
    """A treatment less `scale` times the control, by a metric."""
    since, before = METRICS[metric].terms(found.since), METRICS[metric].terms(found.before)
    arms = [
        Arm(since[0][own], since[1][own], np.stack([column[own] for column in before], axis=1))
        for own in (found.of_arm(control), found.of_arm(treatment))
    ]
    if not all(len(arm.top) for arm in arms):
        return None
    clock = int(found.since.days[found.of_arm(control) | found.of_arm(treatment)].sum())
    return difference_of(*arms, clock=clock, alpha=alpha, scale=scale)


def _judged(definition: ExperimentDefinition, found: Population) -> Iterator[Judged]:
    guarded = {guardrail.metric: guardrail.loss_max for guardrail in definition.guardrails}
    alpha = definition.alpha / len(definition.treatments)
    for number, variant in enumerate(definition.treatments, start=1):
        for metric in METRICS:
            difference = compared(found, 0, number, metric, alpha)
            role: Role = (
                "goal"
                if metric == definition.metric
                else "guardrail"
                if metric in guarded
                else "kpi"
                if metric in KPIS
                else "other"
            )
            is_within = None
            if metric in guarded:
                is_within = _is_within(found, number, metric, guarded[metric], alpha)
            yield Judged(_told(variant.name, metric, role, difference), difference, is_within)


def _is_within(found: Population, number: int, metric: str, loss_max: float, alpha: float) -> bool | None:
    """Whether a treatment loses less than the control may (non-inferiority); None as long as it is unknown."""
    better = METRICS[metric].is_better
    moved = compared(found, 0, number, metric, alpha, scale=1.0 - better * loss_max)
    if moved is None:
        return None
    low, high = (moved.low, moved.high) if better > 0 else (-moved.high, -moved.low)
    return True if low > 0.0 else False if high < 0.0 else None


def _evidence(definition: ExperimentDefinition, found: Population, window_ms: int) -> float:
    """Evidence against the split, phase by phase; windows in which the shares changed are left out."""
    evidence, phases = 0.0, [*definition.earlier, definition.phase]
    ends = [phase.effective_ms for phase in phases[1:]] + [2**62]
    names = [variant.name for variant in definition.variants]
    for phase, end_ms in zip(phases, ends, strict=True):
        within = (found.first_ms >= _whole_window(phase, window_ms)) & (found.first_ms + window_ms <= end_ms)
        shares = {variant.name: variant.share for variant in phase.variants}
        counts = [int((found.of_arm(number) & within).sum()) for number in range(len(names))]
        if sum(counts):
            evidence += split_evidence(counts, [shares.get(name, 0.0) for name in names])
    return evidence


def _whole_window(phase: Phase, window_ms: int) -> int:
    """Beginning of the first window that is all in the phase."""
    return -(-phase.effective_ms // window_ms) * window_ms


def _verdict(
    definition: ExperimentDefinition, judged: Sequence[Judged], listeners: Mapping[str, int], ratio_p: float,
    settled_until_ms: int,
) -> Verdict:  # fmt: skip
    if ratio_p < definition.alpha:
        return Verdict("split-broken", "", [f"the split is not that of the shares (p {ratio_p:.2g} at any time)"])
    few = [name for name, count in listeners.items() if count < definition.listeners_min]
    is_over = definition.status == "stopped" or (
        definition.ends_ms is not None and settled_until_ms >= definition.ends_ms
    )
    if few and not is_over:
        return Verdict("continue", "", [f"fewer than {definition.listeners_min} listeners in {', '.join(few)}"])
    reasons: list[str] = []
    winners: list[tuple[float, str]] = []
    lost = 0
    for variant in definition.treatments:
        own = [one for one in judged if one.told.variant == variant.name]
        state, gain = _of_variant(variant.name, own, reasons)
        lost += state == "lost"
        if state == "won":
            winners.append((gain, variant.name))
    if winners:
        return Verdict("ship", max(winners)[1], reasons)
    if lost == len(definition.treatments):
        return Verdict("stop", "", reasons)
    if is_over:
        return Verdict("stop", "", [*reasons, "the time is over, and no variant is known to be better"])
    return Verdict("continue", "", reasons or ["neither better nor worse is known yet"])


def _of_variant(name: str, judged: Sequence[Judged], reasons: list[str]) -> tuple[str, float]:
    """Whether a variant has won or lost, or neither, and its gain; the reasons are appended."""
    goal = next(one for one in judged if one.told.role == "goal")
    direction = METRICS[goal.told.metric].is_better
    side = _side(goal.found) * direction
    broken = [one.told.metric for one in judged if one.is_within is False]
    unknown = [one.told.metric for one in judged if one.told.role == "guardrail" and one.is_within is None]
    against = [
        one.told.metric
        for one in judged
        if one.told.metric in KPIS and one is not goal and side > 0 and _side(one.found) < 0
    ]
    if side:
        reasons.append(f"{name}: {goal.told.metric} is {'better' if side > 0 else 'worse'} at any time")
    reasons.extend(f"{name}: {metric} loses more than its guardrail allows" for metric in broken)
    reasons.extend(f"{name}: {goal.told.metric} rises and the KPI {metric} falls" for metric in against)
    if side < 0 or broken or against:
        return "lost", 0.0
    if side > 0 and not unknown:
        return "won", abs(goal.found.value) if goal.found else 0.0
    reasons.extend(f"{name}: the guardrail {metric} is not known to hold yet" for metric in unknown if side > 0)
    return "open", 0.0


def _side(found: Difference | None) -> int:
    """Sign of a difference that is sure; 0 if it is not."""
    return 0 if found is None else int(found.low > 0.0) - int(found.high < 0.0)


def _told(variant: str, metric: str, role: Role, found: Difference | None) -> MetricDifference:
    def finite(number: float) -> float | None:
        return number if isfinite(number) else None

    if found is None:
        return MetricDifference(
            variant=variant, metric=metric, role=role, control_value=None, value=None, difference=None, relative=None,
            standard_error=None, low=None, high=None, variance_left=None,
        )  # fmt: skip
    return MetricDifference(
        variant=variant,
        metric=metric,
        role=role,
        control_value=finite(found.control),
        value=finite(found.treatment),
        difference=finite(found.value),
        relative=finite(found.value / found.control) if found.control else None,
        standard_error=finite(found.error),
        low=finite(found.low),
        high=finite(found.high),
        variance_left=found.variance_left,
    )
