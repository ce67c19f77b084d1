"""A/A with a look at every event: how often each sequence raises a false alarm, and how wide it is at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtri

from processors.arrays import BoolArray, FloatArray
from processors.evaluation.confidence import asymptotic, betting, empirical_bernstein
from processors.evaluation.confidence.asymptotic import AsymptoticMixture
from processors.evaluation.confidence.betting import Betting
from processors.evaluation.confidence.empirical_bernstein import EmpiricalBernstein
from streams.benchmarks.evaluation.adapting import adapting_log
from streams.benchmarks.evaluation.vw_sequence import vw_sequence

ALPHA = 0.05
CHUNK = 20
"""Repeats that are looked at together: some hundred megabytes."""
WIDTHS = 3
"""Repeats of which the half-width is taken, at the end."""
FIRST_LOOK = 100
"""The usual interval is looked at from here on, as the asymptotic one is."""
Misses = Callable[[FloatArray, FloatArray, float, float], BoolArray]
Sequence_ = EmpiricalBernstein | Betting | AsymptoticMixture
SEQUENCES: dict[str, tuple[Callable[[], Sequence_], Misses]] = {
    "empirical-bernstein": (EmpiricalBernstein, empirical_bernstein.misses),
    "betting": (Betting, betting.misses),
    "asymptotic": (AsymptoticMixture, asymptotic.misses),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksSettings:
    """How many logs of how many events, at which rates; and how many of them VW's sequence reads (slow; 0: none)."""

    repeats: int = 400
    events: int = 50_000
    rates: tuple[float, ...] = (0.3, 0.05, 0.005)
    vw_repeats: int = 0
    seed: int = 1


@dataclass(slots=True)
class _Tally:
    alarms: dict[str, int] = field(default_factory=dict)
    widths: dict[str, list[float]] = field(default_factory=dict)
    repeats: int = 0


def bench_looks(settings: LooksSettings, on_row: Callable[[str], None]) -> dict[str, Any]:
    """False alarms at any look, and half-widths: of one arm's rate, of two arms' difference, and off-policy."""
    found: dict[str, Any] = {"benchmark": "looks", "repeats": settings.repeats, "events": settings.events}
    for rate in settings.rates:
        rows = {
            f"rate {rate:g}": _run(settings, _one_arm(rate), 1.0),
            f"difference of two arms at {rate:g}": _run(settings, _two_arms(rate), 2.0),
        }
        for name, row in rows.items():
            found[name] = row
            on_row(f"{name}: {row}")
    found["off-policy, the logging policy adapts"] = _run(settings, adapting_log, 1.0)
    on_row(f"the logging policy adapts: {found['off-policy, the logging policy adapts']}")
    if settings.vw_repeats:
        found["vw, a look at every 100th event"] = {
            f"rate {rate:g}": vw_sequence(rate, settings.events, settings.vw_repeats, settings.seed)
            for rate in settings.rates
        }
    return found


Draw = Callable[[int, int, np.random.Generator], tuple[FloatArray, FloatArray, float]]
"""Repeats and events to weights and rewards [repeats, events], and the truth."""


def _one_arm(rate: float) -> Draw:
    def draw(repeats: int, events: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, float]:
        rewards = (rng.random((repeats, events)) < rate).astype(np.float64)
        return np.ones_like(rewards), rewards, rate

    return draw


def _two_arms(rate: float) -> Draw:
    """The difference of one event in each arm, moved from [-1, 1] to [0, 1]."""

    def draw(repeats: int, events: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, float]:
        arms = (rng.random((2, repeats, events)) < rate).astype(np.float64)
        return np.ones_like(arms[0]), (1.0 + arms[0] - arms[1]) / 2.0, 0.5

    return draw


def _run(settings: LooksSettings, draw: Draw, scale: float) -> dict[str, Any]:
    tally = _Tally()
    while tally.repeats < settings.repeats:
        count = min(CHUNK, settings.repeats - tally.repeats)
        rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(0x100C, tally.repeats)))
        _look(tally, *draw(count, settings.events, rng))
    return {
        name: {
            "false_alarms": alarms / tally.repeats,
            "half_width": scale * float(np.mean(tally.widths[name])),
        }
        for name, alarms in tally.alarms.items()
    }


def _look(tally: _Tally, weights: FloatArray, rewards: FloatArray, truth: float) -> None:
    is_first = not tally.repeats
    for name, (make, misses) in SEQUENCES.items():
        alarms = misses(weights, rewards, truth, ALPHA).any(axis=-1)
        tally.alarms[name] = tally.alarms.get(name, 0) + int(alarms.sum())
        if is_first:
            tally.widths[name] = [_half(make(), *log) for log in zip(weights[:WIDTHS], rewards[:WIDTHS], strict=True)]
    usual = fixed_misses(weights * rewards, truth)
    tally.alarms["fixed-n"] = tally.alarms.get("fixed-n", 0) + int(usual.any(axis=-1).sum())
    if is_first:
        values = (weights * rewards)[:WIDTHS]
        half = float(ndtri(1.0 - ALPHA / 2.0)) * values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        tally.widths["fixed-n"] = half.tolist()
    tally.repeats += len(weights)


def _half(sequence: Sequence_, weights: FloatArray, rewards: FloatArray) -> float:
    sequence.add(weights, rewards)
    low, high = sequence.interval()
    return (high - low) / 2.0


def fixed_misses(values: FloatArray, truth: float) -> BoolArray:
    """Whether the usual interval after each record [..., n] leaves out the truth."""
    number = np.arange(values.shape[-1]) + 1.0
    mean = np.cumsum(values, axis=-1) / number
    variance = np.maximum(np.cumsum(values**2, axis=-1) / number - mean**2, 0.0)
    width = float(ndtri(1.0 - ALPHA / 2.0)) * np.sqrt(variance / number)
    return np.asarray((np.abs(mean - truth) > width) & (variance > 0.0) & (number >= FIRST_LOOK))
