"""Assignment: shares are right, layers are independent, and growing a share moves nobody between other variants."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chi2

from processors.experiments.assignment import Schedule, bucket_of, layer_key
from processors.experiments.layer_admission import REVISIONS_MAX, admitted
from schemas.experiments import BUCKETS, ExperimentDefinition
from tests.builders import experiment

USERS = [f"user-{number}" for number in range(40_000)]
LAYERS = ("ranking", "page", "layout", "ranking2")


def variants(*definitions: ExperimentDefinition, at: int = 1_000, users: list[str] = USERS) -> list[dict[str, str]]:
    plan = Schedule({one.name: one for one in definitions}).plan("home", at)
    return [{arm.experiment: arm.variant for arm in plan.arms_of(user)} for user in users]


def chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    return float(((observed - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("layer", LAYERS)
def test_buckets_have_equal_numbers_of_listeners(layer: str) -> None:
    counts = np.bincount([bucket_of(user, layer_key(layer, "s")) for user in USERS], minlength=BUCKETS)
    assert chi_square(counts, np.full(BUCKETS, len(USERS) / BUCKETS)) < chi2.isf(1e-4, BUCKETS - 1)


@pytest.mark.parametrize(("one", "other"), list(combinations(range(5), 2)))
def test_layers_are_independent(one: int, other: int) -> None:
    """Also of each other's salts: the fifth has the first one's name."""
    keys = [layer_key(name, "") for name in LAYERS] + [layer_key(LAYERS[0], "salt")]
    table = np.zeros((10, 10))
    for user in USERS:
        table[bucket_of(user, keys[one]) // 100, bucket_of(user, keys[other]) // 100] += 1
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(USERS)
    assert chi_square(table, expected) < chi2.isf(1e-4, 81)


def test_shares_are_those_of_the_definition() -> None:
    test = admitted(experiment(shares={"a": 0.5, "b": 0.2, "c": 0.05}), {}, 0)
    found = [found.get("test", "nobody") for found in variants(test)]
    expected = np.array([0.5, 0.2, 0.05, 0.25]) * len(USERS)
    counts = np.array([found.count(name) for name in ("a", "b", "c", "nobody")])
    assert chi_square(counts, expected) < chi2.isf(1e-4, 3)


def test_a_share_that_changes_moves_nobody_between_variants() -> None:
    steps = [(0.1, 0.1, 0.1), (0.4, 0.1, 0.1), (0.4, 0.1, 0.3), (0.2, 0.2, 0.3)]
    known: dict[str, ExperimentDefinition] = {}
    before: list[dict[str, str]] = []
    for number, shares in enumerate(steps):
        wanted = experiment(shares=dict(zip("abc", shares, strict=True)))
        known = {"test": admitted(wanted, known, number)}
        now = variants(*known.values(), at=number)
        for old, new in zip(before, now, strict=False):
            assert old == new or not old or not new
        if number == 1:  # those of b and c stay, and so do those of a
            assert all(old == new for old, new in zip(before, now, strict=True) if old)
        before = now
    assert known["test"].revision == len(steps)


def test_experiments_of_a_layer_exclude_each_other_and_the_next_one_gets_listeners_of_all() -> None:
    first = admitted(experiment("first", shares={"a": 0.3, "b": 0.3}), {}, 0)
    second = admitted(experiment("second", shares={"a": 0.2, "b": 0.2}), {"first": first}, 0)
    assert all(len(found) <= 1 for found in variants(first, second))
    with pytest.raises(ValueError, match="layer ranking has 0 left"):
        admitted(experiment("third", shares={"a": 0.001, "b": 0.001}), {"first": first, "second": second}, 0)
    ended = admitted(experiment("first", shares={"a": 0.3, "b": 0.3}, status="stopped"), {"first": first}, 5)
    third = admitted(experiment("third", shares={"a": 0.3, "b": 0.3}), {"first": ended, "second": second}, 5)
    table = np.array([[len(set(old.buckets) & set(new.buckets)) for new in third.variants] for old in first.variants])
    assert table.sum() == 600
    assert chi_square(table, np.full((2, 2), 150.0)) < chi2.isf(1e-4, 1)


def test_what_would_move_listeners_is_refused() -> None:
    full = {"test": admitted(experiment(shares={"a": 0.5, "b": 0.5}), {}, 0)}
    with pytest.raises(ValueError, match="variant a can only grow by listeners who have been in another variant"):
        admitted(experiment(shares={"a": 0.9, "b": 0.1}), full, 5)
    with pytest.raises(ValueError, match="layer and salt of an experiment cannot change"):
        admitted(experiment(shares={"a": 0.5, "b": 0.5}, layer="page"), full, 5)
    with pytest.raises(ValueError, match="layer ranking has the salt ''"):
        admitted(experiment("other", shares={"a": 0.0, "b": 0.0}, salt="x"), full, 5)
    for number in range(1, REVISIONS_MAX):
        full = {"test": admitted(experiment(shares={"a": 0.5, "b": 0.5}), full, number)}
    with pytest.raises(ValueError, match="it has been changed 100 times"):
        admitted(experiment(shares={"a": 0.5, "b": 0.5}), full, 500)


def test_what_is_in_force_follows_from_the_newest_record_alone() -> None:
    known: dict[str, ExperimentDefinition] = {}
    records = []
    for effective_ms, shares in ((10, (0.1, 0.1)), (20, (0.3, 0.1)), (30, (0.0, 0.1))):
        wanted = experiment(shares=dict(zip("ab", shares, strict=True)), begins_ms=15, ends_ms=50)
        known = {"test": admitted(wanted, known, effective_ms)}
        records.append(known["test"])
    newest = records[-1]
    for at in range(9, 60):
        in_force = [one for one in records if one.effective_ms <= at]
        expected = variants(in_force[-1], at=at, users=USERS[:300]) if in_force else [{}] * 300
        assert variants(newest, at=at, users=USERS[:300]) == expected
        assert any(expected) == (15 <= at < 50)


def test_two_claims_of_a_bucket_are_settled_by_seniority() -> None:
    old = experiment("z", buckets={"a": range(600), "b": range(600, 1_000)}, effective_ms=5)
    new = experiment("a", buckets={"a": range(1_000), "b": ()}, effective_ms=6)
    assert {tuple(found) for found in variants(new, old)} == {("z",)}
