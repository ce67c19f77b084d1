"""The benchmarks of co-clustering run, in small, and find what was planted."""

import json

import pytest

from streams.benchmarks.coclustering.planted import PlantedSettings, bench_planted
from streams.benchmarks.coclustering.scale import bench_scale
from streams.cli.main import run


def test_planted_groups_are_found_online_as_well_as_from_the_truth() -> None:
    heard: list[str] = []
    found = bench_planted(PlantedSettings(worlds=("b",), seeds=1, shrink=20, batch=False), heard.append)
    assert found["b"]["online"]["users"] > 0.8 * found["b"]["ceiling"]["users"] > 0.3
    assert len(heard) == 1


def test_worlds_are_those_of_the_seeds_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "cocluster", "--worlds", "b", "--shrink", "40", "--no-batch", "--json"]
    found = {}
    for first, seeds in ((3, 1), (4, 1), (3, 2)):
        assert run([*command, "--world-seed", str(first), "--seeds", str(seeds)]) == 0
        printed = capsys.readouterr()
        assert [f"seed {first + number}:" in line for number, line in enumerate(printed.err.splitlines())] == [
            True
        ] * seeds
        found[first, seeds] = json.loads(printed.out)["worlds"]["b"]["ceiling"]["users"]
    assert found[3, 1] != found[4, 1]
    assert found[3, 2] == pytest.approx((found[3, 1] + found[4, 1]) / 2, abs=1e-4)


def test_cost_is_told_at_an_eighth_a_quarter_a_half_and_all() -> None:
    found = bench_scale(4_000, lambda _: None)
    assert [row["interactions"] for row in found["marks"]] == sorted(row["interactions"] for row in found["marks"])
    assert len(found["marks"]) == 4
    assert found["marks"][-1]["interactions"] == found["interactions"]
    assert found["bytes_per_edge"] > 0


def test_a_world_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no world 'z'"):
        PlantedSettings(worlds=("z",))
