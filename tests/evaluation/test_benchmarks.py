"""The experiments on estimators run, in small, and tell what they are there to tell."""

import json

import pytest

from streams.benchmarks.evaluation.bench_candidates import SHUFFLED, CandidatesSettings, bench_candidates
from streams.benchmarks.evaluation.bench_leaderboard import LeaderboardBench, bench_leaderboard
from streams.benchmarks.evaluation.bench_looks import LooksSettings, bench_looks
from streams.benchmarks.evaluation.bench_shelves import MAKE, ShelvesSettings, bench_shelves
from streams.cli.bench_evaluation_commands import tell
from streams.cli.main import run


@pytest.mark.slow
def test_looking_at_every_event_fools_the_usual_interval_and_no_sequence() -> None:
    heard: list[str] = []
    found = bench_looks(LooksSettings(repeats=40, events=5_000, rates=(0.3,)), heard.append)
    kinds = [name for name, row in found.items() if isinstance(row, dict)]
    assert len(kinds) == len(heard) == 3
    for kind in kinds:
        alarms = {name: row["false_alarms"] for name, row in found[kind].items()}
        assert alarms["fixed-n"] > 0.25
        assert max(alarms[name] for name in ("empirical-bernstein", "betting", "asymptotic")) <= 0.125
        assert found[kind]["asymptotic"]["half_width"] > found[kind]["fixed-n"]["half_width"]


@pytest.mark.slow
def test_shelves_are_ordered_by_those_that_see_what_a_card_does_to_the_next() -> None:
    heard: list[str] = []
    found = bench_shelves(ShelvesSettings(worlds=4, shelves=50_000), heard.append)["estimators"]
    assert len(heard) == 4
    assert list(found) == list(MAKE)
    assert found["rips"]["ordered_as_the_truth"] == 1.0 > found["iips"]["ordered_as_the_truth"]
    assert abs(found["rips"]["relative_bias"]) < 0.1 < found["iips"]["relative_bias"]
    assert found["iips"]["shown"] < 0.7 < found["rips"]["shown"]
    for row in found.values():
        assert row["mean_weight"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_what_is_shown_of_candidates_is_never_sure_and_wrong() -> None:
    heard: list[str] = []
    found = bench_candidates(CandidatesSettings(worlds=2, shelves=5_000), heard.append)
    assert len(heard) == 2
    assert found["cis(cap 100)"]["sure_and_wrong"] > 0.5
    assert found["cis(cap 100)"]["tau"] < found["ncis(cap 1e5)"]["tau"]
    for name, row in found.items():
        if isinstance(row, dict) and name != SHUFFLED:
            assert row["sure_and_wrong_shown_at_any_time"] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["looks", "--repeats", "2", "--events", "300", "--rate", "0.3"],
        ["shelves", "--worlds", "1", "--shelves", "1000"],
        ["candidates", "--worlds", "1", "--shelves", "1000"],
    ],
)
def test_the_commands_print_a_table_or_json_and_tell_progress_apart(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *words, "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["benchmark"] == words[0]
    assert printed.err
    tell(found, json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"benchmark {words[0]}")
    assert len(lines) > 5


def test_the_leaderboard_of_a_planted_world_is_within_its_errors_of_the_truth() -> None:
    rows: list[str] = []
    settings = LeaderboardBench(worlds=("W1",), seeds=1, pages=600, users=60, cards=36, shelves=3, random_share=1.0)
    found = bench_leaderboard(settings, rows.append)
    assert len(rows) == 1
    for yardstick in ("stream-rate", "satisfied"):
        row = found["W1"][yardstick]
        assert row["shown"] == 1.0
        assert row["missed_at_any_time"] in {None, 0.0}
        assert row["missed"] <= 0.25
        assert 0.0 < row["incumbent"] < 1.0
        assert row["error"] < 0.1
