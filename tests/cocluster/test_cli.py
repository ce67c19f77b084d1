"""The command `cocluster`: what it reads, what it says, how it ends."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processors.worlds.blocks import BlockWorld, generate
from streams.cli.main import run

WORLD = BlockWorld(users=300, cards=100, user_groups=3, card_groups=3, streams_per_user=15, noise_sd=0.6)


Captured = pytest.CaptureFixture[str]


def report_of(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert run(["cocluster", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def written(path: Path, *, header: str, scale: float, extra: str = "") -> Path:
    history = generate(WORLD, world_seed=11)
    rows = zip(history.user.tolist(), history.card.tolist(), (history.seconds * scale).tolist(), strict=True)
    text = header + "\n" + "\n".join(f"u{u},c{c},{value}" for u, c, value in rows) + "\n" + extra
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_groups_beat_one_sided_groupings_and_bad_rows_are_counted(tmp_path: Path, capsys: Captured) -> None:
    bad = "u1\nu1,c1,long\n,c1,3\nu1,c1,-4\nu1,c1,nan\n"
    path = written(tmp_path / "log.csv", header="user,item,seconds", scale=1.0, extra=bad)
    out = tmp_path / "groups.json"
    report = report_of(capsys, str(path), "--user-groups", "3", "--card-groups", "3", "--out", str(out))
    assert report["interactions"] == 4_500
    assert report["rows_refused"] == {
        "too_few_columns": 1,
        "not_a_number": 1,
        "empty_id": 1,
        "out_of_range": 2,
    }
    assert report["chosen_shape"] == [3, 3]
    for rival in ("cards_only", "users_only", "one_group"):
        gain = report["held_out"]["gain"][rival]
        assert gain["log_likelihood"] > 3 * gain["standard_error"]
        assert gain["rmse_log"] > 0
    groups = json.loads(out.read_text())
    assert len(groups["user_group"]) == report["users"]
    assert len(groups["card_group"]) == report["cards"]


def test_hours_in_a_compressed_file_give_the_same_groups_as_seconds(tmp_path: Path, capsys: Captured) -> None:
    seconds = written(tmp_path / "log.csv", header="user,item,seconds", scale=1.0)
    hours = written(tmp_path / "log.csv.gz", header="user_id,game,hours", scale=1 / 3600)
    one, other = (report_of(capsys, str(path), "--user-groups", "3", "--card-groups", "3") for path in (seconds, hours))
    assert other["duration_unit"] == "hours"
    np.testing.assert_allclose(one["blocks"]["mean_log"], other["blocks"]["mean_log"], atol=1e-6)


def test_other_ways_to_group_are_scored_beside(tmp_path: Path, capsys: Captured) -> None:
    path, groups = written(tmp_path / "log.csv", header="user,item,seconds", scale=1.0), tmp_path / "groups.json"
    shape = ("--user-groups", "3", "--card-groups", "3")
    history = generate(WORLD, world_seed=11)
    truth = {
        "user_group": {f"u{user}": group for user, group in enumerate(history.user_group.tolist())},
        "card_group": {f"c{card}": group for card, group in enumerate(history.card_group.tolist())},
    }
    groups.write_text(json.dumps(truth))
    models = report_of(capsys, str(path), *shape, "--counts", "--given", str(groups))["held_out"]["models"]
    assert models["given"]["log_likelihood"] > models["counts 3x3"]["log_likelihood"] + 0.1
    assert abs(models["given"]["log_likelihood"] - models["3x3"]["log_likelihood"]) < 0.1
    assert run(["cocluster", str(path), *shape, "--given", str(path)]) == 2


def test_groups_that_are_written_are_those_that_were_asked_for(tmp_path: Path, capsys: Captured) -> None:
    path, out = written(tmp_path / "log.csv", header="user,item,seconds", scale=1.0), tmp_path / "groups.json"
    shape = ("--user-groups", "3", "--card-groups", "3")
    held_out, files = {}, {}
    for name, options in (("3x3", ()), ("counts 3x3", ("--counts",))):
        report_of(capsys, str(path), *shape, *options, "--out", str(out))
        files[name] = json.loads(out.read_text())
        assert files[name]["groups_of"] == name
        sizes = np.bincount(list(files[name]["user_group"].values()), minlength=3).tolist()
        assert files[name]["users_per_group"] == sizes
        models = report_of(capsys, str(path), *shape, "--counts", "--given", str(out))["held_out"]["models"]
        held_out[name] = models["given"]["log_likelihood"], models[name]["log_likelihood"]
    assert files["3x3"]["user_group"] != files["counts 3x3"]["user_group"]
    for given, own in held_out.values():
        assert abs(given - own) < 0.1
    assert held_out["3x3"][0] > held_out["counts 3x3"][0] + 0.1


def test_every_gain_stands_beside_its_null(tmp_path: Path, capsys: Captured) -> None:
    path = written(tmp_path / "log.csv", header="user,item,seconds", scale=1.0)
    held_out = report_of(capsys, str(path), "--user-groups", "3", "--card-groups", "3")["held_out"]
    for rival in ("cards_only", "users_only", "one_group"):
        assert abs(held_out["gain"][rival]["null"]) < 0.2 * held_out["gain"][rival]["log_likelihood"]
    assert held_out["gain"]["biases"]["null"] is None
    found = held_out["evidence"]["3x3"]
    assert found["supported"]
    assert found["gain"] - found["null"] > 5 * found["standard_error"]
    assert run(["cocluster", str(path), "--user-groups", "3", "--card-groups", "3"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()[1:]
    assert header.split()[-3:] == ["gain", "null", "error"]
    assert f"{found['gain']:.4f}" in next(row for row in rows if row.split()[0] == "3x3")


@pytest.mark.parametrize(
    "arguments", [["none.csv"], ["FILE", "--user-groups", "0"], ["FILE", "--holdout", "0.9"], ["FILE"]]
)
def test_wrong_usage_and_a_useless_file_end_in_one_line_and_status_2(
    arguments: list[str], tmp_path: Path, capsys: Captured
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("user,item,seconds\n")
    assert run(["cocluster", *(str(empty) if word == "FILE" else word for word in arguments)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
