"""What every estimator owes: parts add up to the whole, the truth lies in its interval, and doubt is told."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.evaluation.counterfactual import Counterfactual
from processors.evaluation.estimators.capped import Capped
from processors.evaluation.estimators.direct import DirectMethod
from processors.evaluation.estimators.doubly_robust import DoublyRobust
from processors.evaluation.estimators.estimator_shapes import ExposureEstimator
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.ips import InversePropensity
from processors.evaluation.estimators.more_robust import MoreRobust
from processors.evaluation.estimators.ncis import NormalisedCapped
from processors.evaluation.estimators.optimistic_shrinkage import OptimisticShrinkage
from processors.evaluation.estimators.replay import Replay
from processors.evaluation.estimators.self_normalised_dr import SelfNormalisedDoublyRobust
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.estimators.switch_dr import SwitchDoublyRobust
from tests.evaluation.logs import LOGGING, UNIFORM, WORTH, WRONG_MODEL, Policies, policies, simulated

Make = Callable[[], ExposureEstimator]
EVERY: dict[str, Make] = {
    "ips": InversePropensity,
    "cis": lambda: Capped(50.0),
    "snips": SelfNormalised,
    "ncis": lambda: NormalisedCapped(50.0),
    "dm": DirectMethod,
    "dr": DoublyRobust,
    "sndr": SelfNormalisedDoublyRobust,
    "switch-dr": lambda: SwitchDoublyRobust(50.0),
    "dros": lambda: OptimisticShrinkage(1e9),
    "mrdr": MoreRobust,
    "replay": Replay,
}
WITH_MODEL = ("dm", "dr", "sndr", "switch-dr", "dros", "mrdr")

numbers = st.tuples(
    st.floats(0.0, 100.0), st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.booleans()
)
few = settings(max_examples=30)
logs = st.lists(numbers, max_size=30)


def exposures(rows: list[tuple[float, float, float, float, bool]]) -> Exposures:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    names = ("weights", "rewards", "predicted", "expected", "matched")
    return Exposures(**dict(zip(names, columns, strict=True)), propensities=np.full(len(rows), 0.25))


def read(name: str, *parts: Exposures) -> ExposureEstimator:
    estimator = EVERY[name]()
    for part in parts:
        estimator.add(part)
    return estimator


def figures(estimator: ExposureEstimator) -> list[float]:
    """Widths squared: a variance near zero is the difference of two sums, and its root magnifies their rounding."""
    found = estimator.estimate()
    widths = np.array([found.standard_error, found.value - found.low, found.high_anytime - found.value])
    return [found.value, *widths**2, found.ess, found.weight_mean]


def same(one: ExposureEstimator, other: ExposureEstimator) -> None:
    np.testing.assert_allclose(figures(one), figures(other), rtol=1e-7, atol=1e-9)
    assert one.estimate().verdict.is_shown == other.estimate().verdict.is_shown


@pytest.mark.parametrize("name", EVERY)
@few
@given(logs, st.integers(0, 30))
def test_two_parts_of_a_log_add_up_to_the_whole_wherever_it_is_cut(name: str, rows: list[Any], place: int) -> None:
    whole = read(name, exposures(rows))
    one, other = exposures(rows[:place]), exposures(rows[place:])
    same(read(name, one) + read(name, other), whole)
    same(read(name, other) + read(name, one), whole)
    same(read(name, one, other), whole)


@pytest.mark.parametrize("name", EVERY)
@few
@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(name: str, rows: list[Any], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    same(read(name, exposures(shuffled)), read(name, exposures(rows)))


@pytest.mark.parametrize("name", EVERY)
def test_of_nothing_nothing_is_said(name: str) -> None:
    found = read(name, exposures([])).estimate()
    assert np.isnan([found.value, found.standard_error, found.low, found.high_anytime]).all()
    assert found.told()["interval_anytime"] is None
    assert found.verdict.reason == "the log is empty: add records"


@pytest.mark.parametrize("name", EVERY)
def test_one_record_has_a_value_but_no_interval_and_is_withheld(name: str) -> None:
    found = read(name, exposures([(1.0, 1.0, 0.5, 0.5, True)])).estimate()
    assert found.value == pytest.approx(0.5 if name == "dm" else 1.0)
    assert np.isnan(found.standard_error)
    assert not found.verdict.is_shown
    assert found.told()["value"] is None


@pytest.mark.parametrize("name", EVERY)
def test_a_log_that_shows_nothing_of_the_target_is_withheld(name: str) -> None:
    found = read(name, exposures([(0.0, 1.0, 0.5, 0.5, False)] * 500)).estimate()
    assert not found.verdict.is_shown


@pytest.mark.parametrize("name", EVERY)
@few
@given(logs)
def test_on_a_policys_own_log_its_value_is_the_mean(name: str, rows: list[Any]) -> None:
    """Of estimators with a model: where it expects of the policy what it predicts of what was shown."""
    own = [(1.0, reward, guess, guess, True) for _, reward, guess, _, _ in rows]
    mean = np.array([guess if name == "dm" else reward for _, reward, guess, _, _ in own]).mean() if own else np.nan
    assert read(name, exposures(own)).value == pytest.approx(mean, abs=1e-6, nan_ok=True)


def asked_of(name: str) -> Policies:
    return policies(logging=UNIFORM) if name == "replay" else policies()


@pytest.mark.parametrize("name", EVERY)
def test_the_truth_is_met_on_average_and_lies_in_the_interval_as_often_as_is_said(name: str) -> None:
    asked = asked_of(name)
    found = [read(name, simulated(asked, 1_000, seed)).estimate() for seed in range(200)]
    values = np.array([one.value for one in found])
    assert abs(values.mean() - asked.truth) < 4 * values.std() / np.sqrt(len(values))
    covered = np.mean([one.low <= asked.truth <= one.high for one in found])
    assert covered > 0.92  # 95%, by 200 logs
    assert np.mean([one.low_anytime <= asked.truth <= one.high_anytime for one in found]) >= covered
    assert np.mean([one.verdict.is_shown for one in found]) > 0.9
    if name != "dm":  # whose own spread is less than what is known of it
        assert np.mean([one.standard_error for one in found]) == pytest.approx(values.std(), rel=0.15)


@pytest.mark.parametrize("name", ["dr", "sndr", "mrdr", "dros", "switch-dr"])
@pytest.mark.parametrize(
    "asked",
    [policies(model=WRONG_MODEL), policies(told=UNIFORM)],
    ids=["the model is wrong", "the propensities are wrong"],
)
def test_one_of_the_two_may_be_wrong(name: str, asked: Policies) -> None:
    found = read(name, simulated(asked, 200_000, seed=1)).estimate()
    assert abs(found.value - asked.truth) < 4 * found.standard_error


def test_with_both_wrong_nothing_is_right() -> None:
    asked = policies(model=WRONG_MODEL, told=UNIFORM)
    found = read("dr", simulated(asked, 200_000, seed=1)).estimate()
    assert abs(found.value - asked.truth) > 20 * found.standard_error
    assert not found.verdict.is_shown


def test_each_is_wrong_where_what_it_rests_on_is() -> None:
    truth = policies().truth
    ips = read("ips", simulated(policies(told=UNIFORM), 200_000, seed=1)).estimate()
    dm = read("dm", simulated(policies(model=WRONG_MODEL), 200_000, seed=1)).estimate()
    for found in (ips, dm):
        assert abs(found.value - truth) > 10 * found.standard_error
        assert not found.verdict.is_shown
    assert "the model's error" in dm.verdict.reason


@pytest.mark.parametrize("make", [Capped, NormalisedCapped], ids=["cis", "ncis"])
def test_what_a_cap_cuts_away_is_seen(make: Callable[[float], ExposureEstimator]) -> None:
    estimator = make(1.5)
    estimator.add(simulated(policies(), 20_000, seed=1))
    assert "cap removes too much weight" in estimator.estimate().verdict.reason


@pytest.mark.parametrize("make", [SwitchDoublyRobust, OptimisticShrinkage], ids=["switch-dr", "dros"])
def test_what_is_shrunk_is_seen_where_the_model_errs_there(make: Callable[[float], ExposureEstimator]) -> None:
    wrong, right = make(1.5), make(1.5)
    wrong.add(simulated(policies(model=WRONG_MODEL), 20_000, seed=1))
    right.add(simulated(policies(), 20_000, seed=1))
    assert "lost by shrinking" in wrong.estimate().verdict.reason
    assert right.estimate().verdict.is_shown


def of_greedy(count: int) -> Exposures:
    """A log of a policy that nearly always shows the first of 60 items, read for the uniform one."""
    rng = np.random.default_rng(3)
    return Exposures(
        weights=np.full(count, 1 / 60), rewards=(rng.random(count) < 0.2).astype(float), propensities=np.ones(count)
    )


@pytest.mark.parametrize("name", ["ips", "cis", "snips", "ncis"])
def test_uniform_from_greedy_is_withheld_though_its_effective_sample_is_large(name: str) -> None:
    found = read(name, of_greedy(5_339)).estimate()
    assert found.ess > 5_000
    assert found.verdict.reason.startswith("mean weight 0.0167 ± 0.0000, not 1")


def test_a_log_of_two_effective_records_is_withheld() -> None:
    weights = np.array([1e6, 1e6, *[1e-3] * 1_000])
    found = read("snips", Exposures(weights=weights, rewards=np.ones_like(weights))).estimate()
    assert found.ess == pytest.approx(2.0, rel=1e-3)
    assert "effective sample 2.0 of 1002" in found.verdict.reason


def test_a_value_that_hangs_on_three_rewards_is_withheld() -> None:
    rewards = np.zeros(5_000)
    rewards[:3] = 1.0
    found = read("snips", Exposures(weights=np.ones(5_000), rewards=rewards)).estimate()
    assert "rests on 3.0 rewarded records" in found.verdict.reason


def test_a_log_in_which_nothing_differs_has_no_interval() -> None:
    found = read("snips", Exposures(weights=np.ones(500), rewards=np.ones(500))).estimate()
    assert "all records are alike" in found.verdict.reason


def test_while_one_record_makes_much_of_the_variance_nothing_is_said_for_any_time() -> None:
    weights = np.ones(2_000)
    weights[0] = 30.0
    steady, not_yet = (Exposures(weights=w, rewards=np.tile([0.0, 1.0], 1_000)[::-1]) for w in (weights[::-1], weights))
    assert np.isfinite(read("ips", steady).estimate().high_anytime)
    found = read("ips", not_yet).estimate()
    assert (found.low_anytime, found.high_anytime) == (-np.inf, np.inf)


def test_replay_needs_a_uniform_log() -> None:
    assert read("replay", simulated(policies(logging=UNIFORM), 5_000, seed=2)).estimate().verdict.is_shown
    parts = [simulated(asked, 5_000, seed=1) for asked in (policies(logging=UNIFORM), policies(logging=LOGGING))]
    both = read("replay", parts[0]) + read("replay", parts[1])
    assert "replay needs a uniform log" in both.estimate().verdict.reason


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"weights": [-1.0], "rewards": [0.0]}, "weights contain -1 at 0"),
        ({"weights": [1.0, np.inf], "rewards": [0.0, 0.0]}, "weights contain inf at 1"),
        ({"weights": [1.0], "rewards": [np.nan]}, "rewards contain nan at 0"),
        ({"weights": [1.0, 2.0], "rewards": [0.0]}, "give one value for each record"),
        ({"weights": [[1.0]], "rewards": [[0.0]]}, "pass a single column"),
    ],
)
def test_a_bad_column_is_named_with_the_way_out(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        Exposures(**columns)


@pytest.mark.parametrize("name", [*WITH_MODEL, "replay"])
def test_a_missing_column_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs the column"):
        read(name, Exposures(weights=np.ones(2), rewards=np.ones(2)))


@pytest.mark.parametrize("make", [Capped, NormalisedCapped, SwitchDoublyRobust, OptimisticShrinkage])
def test_parameters_are_positive_and_must_agree(make: Callable[[float], ExposureEstimator]) -> None:
    with pytest.raises(ValueError, match="it must be positive"):
        make(0.0)
    with pytest.raises(ValueError, match="do not add up"):
        _ = make(5.0) + make(10.0)


def test_shrinkage_goes_from_the_model_to_dr() -> None:
    seen = simulated(policies(model=WRONG_MODEL), 20_000, seed=1)
    for strength, end in ((1e-9, "dm"), (1e9, "dr")):
        shrunk = OptimisticShrinkage(strength)
        shrunk.add(seen)
        assert shrunk.value == pytest.approx(read(end, seen).value, abs=1e-6)


@few
@given(logs)
def test_a_summary_names_everything_that_is_asked_for(rows: list[Any]) -> None:
    found = Counterfactual.weighted((5.0, 10.0))
    found.add(exposures(rows))
    assert list(found.summary()) == ["ips", "snips", "cis", "ncis", "ess", "weight_max", "weight_mean", "n"]
    assert list(found.summary()["ncis"]) == ["5", "10"]
    assert (found + found).summary()["n"] == 2 * len(rows)


def test_readings_by_other_estimators_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        _ = Counterfactual.weighted(()) + Counterfactual.weighted((5.0,))


def test_the_truth_of_the_simulated_logs_is_what_they_say() -> None:
    asked = policies()
    own = simulated(policies(target=LOGGING), 100_000, seed=2)
    assert own.rewards.mean() == pytest.approx((LOGGING * WORTH).sum() / 2, abs=0.006)
    assert simulated(asked, 100_000, seed=2).weights.mean() == pytest.approx(1.0, abs=0.02)
