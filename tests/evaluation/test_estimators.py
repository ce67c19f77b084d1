"""What every estimator owes: it adds up, it is the plain mean on its own policy's log, and it finds another's value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.evaluation.counterfactual import Counterfactual
from processors.evaluation.estimators.ips import InversePropensity
from processors.evaluation.estimators.ncis import NormalisedCapped
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.estimators.weight_summary import WeightSummary

Make = Callable[[], Any]
VALUES: dict[str, Make] = {
    "ips": InversePropensity,
    "snips": SelfNormalised,
    "ncis": lambda: NormalisedCapped(50.0),
}
EVERY: dict[str, Make] = {**VALUES, "ess": WeightSummary}

columns = st.lists(st.tuples(st.floats(0.0, 100.0), st.sampled_from([0.0, 0.5, 1.0])), max_size=30).map(
    lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 2)
)


def read(make: Make, rows: np.ndarray) -> Any:
    estimator = make()
    estimator.add(rows[:, 0], rows[:, 1])
    return estimator


@pytest.mark.parametrize("name", EVERY)
@given(columns, st.integers(0, 30))
def test_two_parts_of_a_log_add_up_to_the_whole(name: str, rows: np.ndarray, place: int) -> None:
    whole = read(EVERY[name], rows)
    together = read(EVERY[name], rows[:place]) + read(EVERY[name], rows[place:])
    np.testing.assert_allclose(together.value, whole.value, rtol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_of_nothing_nothing_is_said(name: str) -> None:
    assert np.isnan(EVERY[name]().value)


@pytest.mark.parametrize("name", VALUES)
@given(columns)
def test_on_a_policys_own_log_its_value_is_the_mean(name: str, rows: np.ndarray) -> None:
    own = np.column_stack([np.ones(len(rows)), rows[:, 1]])
    if len(rows):
        assert read(VALUES[name], own).value == pytest.approx(rows[:, 1].mean())


@pytest.mark.parametrize("name", VALUES)
def test_another_policys_value_is_found_from_a_log(name: str) -> None:
    rng = np.random.default_rng(8)
    logging, target = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    worth = np.array([0.1, 0.2, 0.5])
    item = rng.choice(3, size=200_000, p=logging)
    reward = (rng.random(len(item)) < worth[item]).astype(float)
    found = read(VALUES[name], np.column_stack([(target / logging)[item], reward]))
    assert found.value == pytest.approx((target * worth).sum(), rel=0.02)


def test_the_effective_sample_of_equal_weights_is_the_sample() -> None:
    assert read(WeightSummary, np.ones((40, 2)) * 3.0).value == pytest.approx(40.0)


def test_caps_that_differ_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        _ = NormalisedCapped(5.0) + NormalisedCapped(10.0)


@given(columns)
def test_a_summary_names_everything_that_is_asked_for(rows: np.ndarray) -> None:
    found = Counterfactual.with_caps((5.0, 10.0))
    found.add(rows[:, 0], rows[:, 1])
    assert list(found.summary()) == ["ips", "snips", "ncis", "ess", "weight_max", "weight_mean", "n"]
    assert list(found.summary()["ncis"]) == ["5", "10"]
    twice = (found + found).summary()
    assert twice["n"] == 2 * len(rows)
