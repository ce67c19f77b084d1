"""The leaderboard gives what the estimators give on the same records; corrections, cuts and crashes change nothing."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.evaluation.confidence.paired import Paired
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.snips import SelfNormalised
from processors.leaderboard.standings import Leaderboard
from schemas.policy_evidence import WEIGHT_UNITS, PagesWeighed
from schemas.policy_values import LOGGED, PolicyValue
from tests.leaderboard.weighed import INCUMBENT, OTHER, THIRD, log, pages_weighed
from tests.tasks.test_cores import Kept

TIGHT = 1e-9


def standings(*messages: PagesWeighed) -> dict[tuple[str, str], PolicyValue]:
    board = Leaderboard()
    board.take(messages)
    return {(value.candidate, value.yardstick): value for value in board.values()}


def reference(weights: np.ndarray, rewards: np.ndarray) -> Paired[Exposures]:
    """The estimators of `processors.evaluation`, given pages as records: mean weight, and mean weighted reward."""
    mean, earned = weights.mean(axis=2), (weights * rewards[:, None, :]).mean(axis=2)
    names = (INCUMBENT, OTHER)
    paired: Paired[Exposures] = Paired({name: SelfNormalised() for name in names})
    paired.add(
        {
            name: Exposures(
                weights=mean[:, k],
                rewards=np.divide(earned[:, k], mean[:, k], out=0 * mean[:, k], where=mean[:, k] > 0),
            )
            for k, name in enumerate(names)
        }
    )
    return paired


def in_units(weights: np.ndarray) -> np.ndarray:
    return np.rint(weights * WEIGHT_UNITS) / WEIGHT_UNITS


@pytest.mark.parametrize("yardstick", ["stream-rate", "minutes", "precision@3"])
def test_values_and_differences_are_those_of_the_estimators(yardstick: str) -> None:
    weights, played_ms = log(1, 3_000, effect=0.1, share=0.8)
    found = standings(pages_weighed(weights, played_ms))
    shown = slice(0, 3 if yardstick == "precision@3" else 4)
    rewards = played_ms / 60_000.0 if yardstick == "minutes" else (played_ms >= 30_000).astype(float)
    paired = reference(in_units(weights)[:, :, shown], rewards[:, shown])
    for name, estimate in paired.estimates().items():
        value = found[name, yardstick]
        for field in ("value", "standard_error", "low", "high", "low_anytime", "high_anytime", "ess", "weight_max",
                      "weight_mean", "weight_mean_error", "count"):  # fmt: skip
            assert getattr(value, field) == pytest.approx(getattr(estimate, field), rel=TIGHT), field
        assert value.withheld == estimate.verdict.reason == ""
    difference = paired.difference(OTHER, INCUMBENT)
    told = found[OTHER, yardstick]
    assert told.difference == pytest.approx(difference.value, rel=TIGHT)
    assert told.difference_low == pytest.approx(difference.low, rel=TIGHT)
    assert told.difference_low_anytime == pytest.approx(difference.low_anytime, rel=TIGHT)
    assert found[INCUMBENT, yardstick].difference == pytest.approx(0.0, abs=1e-12)
    assert found[LOGGED, yardstick].value == pytest.approx(rewards[:, shown].mean(), rel=TIGHT)


def test_a_better_candidate_is_worth_testing_and_an_equal_or_a_worse_one_is_not() -> None:
    weights, played_ms = log(2, 8_000, effect=0.08, share=0.8)
    better = standings(pages_weighed(weights, played_ms))[OTHER, "stream-rate"]
    assert better.is_worth_testing
    assert better.difference == pytest.approx(0.08 * 0.6, abs=4 * 0.004)
    worse = standings(pages_weighed(weights[:, ::-1], played_ms))[OTHER, "stream-rate"]
    assert not worse.is_worth_testing
    assert worse.difference_high_anytime is not None
    assert worse.difference_high_anytime < 0.0
    weights, played_ms = log(3, 8_000, effect=0.0, share=0.8)
    assert not standings(pages_weighed(weights, played_ms))[OTHER, "stream-rate"].is_worth_testing


def test_differences_of_several_candidates_hold_together() -> None:
    """The more candidates, the wider the intervals at any time; that for one look at one candidate stays."""
    weights, played_ms = log(4, 4_000, effect=0.05, share=0.8)
    alone = standings(pages_weighed(weights, played_ms))[OTHER, "stream-rate"]
    three = np.concatenate([weights, weights[:, 1:]], axis=1)
    beside = standings(pages_weighed(three, played_ms, names=(INCUMBENT, OTHER, THIRD)))[OTHER, "stream-rate"]
    assert (alone.difference, alone.difference_low) == (beside.difference, beside.difference_low)
    assert beside.difference_low_anytime is not None
    assert alone.difference_low_anytime is not None
    assert beside.difference_low_anytime < alone.difference_low_anytime


def test_what_the_log_does_not_cover_is_withheld_with_the_reason() -> None:
    weights, played_ms = log(5, 4_000)
    weights[:, 1] *= 0.2
    value = standings(pages_weighed(weights, played_ms))[OTHER, "stream-rate"]
    assert "mean weight 0.2" in value.withheld
    assert (value.value, value.low, value.difference, value.is_worth_testing) == (None, None, None, False)
    assert value.weight_mean == pytest.approx(0.2, abs=0.001)


def parts(seed: int, sizes: Sequence[int]) -> tuple[list[PagesWeighed], list[PagesWeighed]]:
    """A log told at once, and the same in parts: each page without its late streams first, then corrected."""
    weights, played_ms = log(seed, max(1, sum(sizes)), effect=0.1, share=0.7)
    late = np.random.default_rng(seed).random(played_ms.shape) < 0.4
    early_ms = np.where(late, played_ms // 3, played_ms)
    pooled = (weights + weights.mean(axis=2, keepdims=True)) / 2.0
    told, start = [], 0
    for size in sizes:
        part = slice(start, start + size)
        if size:
            early = pages_weighed(weights[part], early_ms[part], pooled=pooled[part], first=start)
            late = pages_weighed(
                weights[part], played_ms[part], pooled=pooled[part], previous_ms=early_ms[part], first=start
            )
            told += [early, late]
        start += size
    return [pages_weighed(weights, played_ms, pooled=pooled)], told


def close(one: dict[tuple[str, str], PolicyValue], other: dict[tuple[str, str], PolicyValue]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        for field in PolicyValue.__struct_fields__:
            if field not in {"evidence_count", "withheld"}:
                mine, its = getattr(value, field), getattr(other[key], field)
                if field == "pages_more" and None not in (mine, its):  # a rounded number, and large if near zero
                    assert its == pytest.approx(mine, rel=1e-3, abs=1)
                elif field != "pages_more":
                    assert its == (pytest.approx(mine, rel=1e-7, abs=1e-9) if isinstance(mine, float) else mine), field


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 300), min_size=1, max_size=6))
def test_corrections_take_back_what_was_counted(seed: int, sizes: list[int]) -> None:
    sizes = [*sizes, 200]
    whole, corrected = parts(seed, sizes)
    close(standings(*whole), standings(*corrected))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_a_crash_between_any_two_messages_changes_no_bit(seed: int, sizes: list[int]) -> None:
    _, messages = parts(seed, sizes)
    kept = Kept()
    for message in messages:
        board = Leaderboard()
        board.restore(list(kept.rows.items()))
        board.take([message])
        kept.keep(board.changed_rows())
    undisturbed = Leaderboard()
    undisturbed.take(messages)
    assert board.values() == undisturbed.values()
    assert board.evidence_count == undisturbed.evidence_count == 2 * sum(sizes)


def test_values_are_published_when_they_change_and_withdrawn_with_their_candidate() -> None:
    weights, played_ms = log(6, 300)
    board = Leaderboard()
    assert board.publish() == ([], [])
    board.take([pages_weighed(weights, played_ms)])
    values, gone = board.publish()
    assert ({value.candidate for value in values}, gone) == ({INCUMBENT, OTHER, LOGGED}, [])
    assert board.publish() == ([], [])
    kept = Kept()
    kept.keep(board.changed_rows())
    again = Leaderboard()
    again.restore(list(kept.rows.items()))
    assert again.publish()[0] == values, "a restarted task says everything again"
    again.take([pages_weighed(weights, played_ms, names=(INCUMBENT, THIRD))])
    values, gone = again.publish()
    assert gone == [f"{OTHER} {name}" for name in ("stream-rate", "minutes", "precision@1", "precision@3")]
    by_name = {value.candidate: value for value in values if value.yardstick == "minutes"}
    assert {name: value.count for name, value in by_name.items()} == {INCUMBENT: 600, THIRD: 300, LOGGED: 600}


def test_another_incumbent_is_compared_anew() -> None:
    weights, played_ms = log(7, 300)
    found = standings(
        pages_weighed(weights, played_ms), pages_weighed(weights, played_ms, names=(OTHER, INCUMBENT), first=300)
    )
    assert found[INCUMBENT, "minutes"].count == 300
    assert found[INCUMBENT, "minutes"].incumbent == OTHER
