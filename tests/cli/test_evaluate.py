"""`shelfwise evaluate obd`: a log in, counterfactual values out; bad rows are counted, bad input is one clear line."""

import gzip
import json
from pathlib import Path

import pytest

from streams.cli.main import run

HEADER = ",timestamp,item_id,position,click,propensity_score\n"
ROWS = (
    "0,2019-11-24 00:00:00+00:00,0,1,1,0.5\n"
    "1,2019-11-24 00:00:01+00:00,1,1,0,0.25\n"
    "2,2019-11-24 00:00:02+00:00,1,2,1,0.25\n"
    "3,2019-11-24 00:00:03+00:00,0,2,0,0.5\n"
)
BAD = "4,x,0,1,7,0.5\n5,x,0,1,0,0\n6,x,zero,1,0,0.5\n7,x,0\n"
TARGET = "item_id,position_1,position_2\n0,0.2,0.5\n1,0.8,0.5\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(HEADER + ROWS)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target.csv"
    path.write_text(TARGET)
    return path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["evaluate", "obd", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_values_are_those_that_one_works_out_by_hand(
    log: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "--log", str(log), "--target", str(target), "--cap", "1")
    weights = [0.2 / 0.5, 0.8 / 0.25, 0.5 / 0.25, 0.5 / 0.5]  # clicks: the first and the third
    assert found["ips"] == pytest.approx((weights[0] + weights[2]) / 4)
    assert found["snips"] == pytest.approx((weights[0] + weights[2]) / sum(weights))
    assert found["ncis"] == {"1": pytest.approx((0.4 + 1.0) / (0.4 + 1.0 + 1.0 + 1.0))}
    assert found["ess"] == pytest.approx(sum(weights) ** 2 / sum(weight**2 for weight in weights))
    assert (found["weight_max"], found["n"]) == (pytest.approx(3.2), 4)
    assert found["weight_mean"] == pytest.approx(sum(weights) / 4)


def test_uniform_is_over_the_items_of_the_log(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "--log", str(log), "--target", "uniform")["weight_max"] == pytest.approx(2.0)
    assert answer(capsys, "--log", str(log), "--target", "uniform", "--items", "4")["weight_max"] == pytest.approx(1.0)


def test_a_gzipped_log_says_the_same_and_bad_rows_are_counted(
    log: Path, target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + ROWS + BAD).encode()))
    plain = answer(capsys, "--log", str(log), "--target", str(target))
    found = answer(capsys, "--log", str(packed), "--target", str(target))
    rejected = found.pop("rejected")
    assert isinstance(rejected, dict)
    assert sum(rejected.values()) == 4
    assert plain.pop("rejected") == {}
    assert found == plain


def test_a_log_of_four_records_has_its_values_withheld(
    log: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "--log", str(log), "--target", str(target))
    estimates = found["estimates"]
    assert isinstance(estimates, dict)
    assert list(estimates)[:2] == ["ips", "snips"]
    assert {"dm", "dr", "sndr", "mrdr", "replay"} < set(estimates)
    assert found["ips_sequences"] == {}
    assert found["probability_better"] is None
    assert isinstance(found["less_logged"], dict)
    assert found["less_logged"]["verdict"] == "withheld"
    for name, told in estimates.items():
        assert (told["value"], told["verdict"]) == (None, "withheld")
        assert ("needs a uniform log" if name == "replay" else "is below 100: log more") in told["reason"]
    assert run(["evaluate", "obd", "--log", str(log), "--target", str(target)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("4 exposures, 0 bad rows; logged 0.500000\n")
    assert printed.count("withheld") == len(estimates) + 1  # and the difference to what was logged


def test_a_long_log_of_its_own_policy_is_shown_with_its_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "long.csv"
    rows = [f"{at},2019-11-24 00:00:01+00:00,{at % 2},1,{at % 7 == 0:d},0.5\n" for at in range(1_400)]
    log.write_text(HEADER + "".join(rows))
    assert run(["evaluate", "obd", "--log", str(log), "--target", "uniform"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (ips,) = [line for line in lines if line.startswith("ips  ")]
    assert "0.142857  0.124521 to 0.161194" in ips  # 200 of 1,400; 1.96 sqrt(p (1 - p) / 1,399), by hand
    assert ips.rstrip().endswith("shown")
    found = answer(capsys, "--log", str(log), "--target", "uniform")["ips_sequences"]
    assert isinstance(found, dict)
    assert list(found) == ["empirical-bernstein", "betting"]
    for low, high in found.values():
        assert 0.08 < low < 1 / 7 < high < 0.2


def test_a_target_that_shows_the_better_item_more_often_is_better(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, target = tmp_path / "long.csv", tmp_path / "target.csv"
    rows = [f"{at},2019-11-24 00:00:01+00:00,{at % 2},1,{at % 14 == 1:d},0.5\n" for at in range(2_800)]
    log.write_text(HEADER + "".join(rows))  # 200 clicks of 1,400 on item 1, none on item 0
    target.write_text("item_id,position_1\n0,0.25\n1,0.75\n")
    found = answer(capsys, "--log", str(log), "--target", str(target))
    assert isinstance(found["less_logged"], dict)
    assert found["less_logged"]["value"] == pytest.approx((0.75 - 0.5) / 7)
    assert found["less_logged"]["is_sure"]
    assert found["probability_better"] == 1.0
    assert run(["evaluate", "obd", "--log", str(log), "--target", str(target)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("target less logged, by snips: +0.035714 (+0.0")
    assert last.endswith("better with P 1.000")


def test_uniform_from_greedy_is_withheld_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "greedy.csv"
    log.write_text(HEADER + "".join(f"{at},2019-11-24 00:00:01+00:00,0,1,{at % 2},1.0\n" for at in range(1_000)))
    assert run(["evaluate", "obd", "--log", str(log), "--target", "uniform", "--items", "60"]) == 0
    (ips,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ips  ")]
    assert "1000" in ips  # its effective sample
    assert "mean weight 0.0167 ± 0.0000, not 1" in ips


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log", "missing.csv", "--target", "uniform"], "missing.csv"),
        (["--log", "LOG", "--target", "missing.csv"], "missing.csv"),
        (["--log", "LOG", "--target", "LOG"], "position_1"),
        (["--log", "LOG", "--target", "uniform", "--cap", "0"], "cap"),
        (["--log", "LOG", "--target", "uniform", "--items", "1"], "the log shows 2 items"),
        (["--log", "LOG", "--target", "TWICE"], "an item more than once"),
        (["--log", "LOG"], "--target"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, log: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target.write_text(TARGET + "0,0.2,0.5\n")
    files = {"LOG": str(log), "TWICE": str(target)}
    assert run(["evaluate", "obd", *(files.get(one, one) for one in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
