"""Commands that show and export what the topics of a broker hold."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from pyarrow import parquet

from streams.cli.main import run
from streams.cli.picture_report import _drift
from streams.exporting.columns import OUTCOMES, ValueRow, names_of
from streams.exporting.table_files import TableFile, table_file
from streams.settings import Settings
from tests.console.told_records import learned

Captured = pytest.CaptureFixture[str]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_groups_are_printed_and_drawn(broker: str, capsys: Captured, tmp_path: Path) -> None:
    model = learned().model
    assert run(["groups", "--broker", broker, "--picture", "time", "--plot", str(tmp_path / "groups.svg")]) == 0
    printed = capsys.readouterr().out
    assert all(f"{k} · {label}" in printed for k, label in enumerate(model.labels))
    assert "a stream succeeds from (reward mean)" in printed
    assert "Typical streaming time by user group" in (tmp_path / "groups.svg").read_text()
    assert run(["groups", "--broker", broker, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["thresholds_s"] == {name: [list(row) for row in matrix] for name, matrix in model.thresholds_s.items()}
    assert sum(group["cards"] for group in told["card_groups"]) == len(learned().card_groups)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--card-group", "99"], "there are 0 to 5"),
        (["--reward", "clicks"], "there are: static, mean"),
        (["--plot", "groups.pdf"], "end its name in .svg, .png or .html"),
        (["--file", "groups.json"], "give one of them"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(words: list[str], said: str, broker: str, capsys: Captured) -> None:
    assert run(["groups", "--broker", broker, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_report_has_the_time_line_of_incidents_and_what_each_changed(broker: str) -> None:
    figures = _drift(Settings(broker=broker))
    assert [figure.name for figure in figures] == ["incidents", "change-0"]


def test_incidents_and_calibration_are_printed(broker: str, capsys: Captured, tmp_path: Path) -> None:
    assert run(["alerts", "--broker", broker, "--open", "--plot", str(tmp_path / "drift.svg")]) == 0
    printed = capsys.readouterr().out
    assert "2 min 27 s" in printed
    assert "stream-rate of learning" not in printed, "that one is closed"
    drawn = (tmp_path / "drift.svg").read_text()
    assert "streaming-time of sleep" in drawn
    assert "before the change and since" in drawn
    assert run(["calibration", "--broker", broker]) == 0
    assert "+0.0200" in capsys.readouterr().out


def test_the_leaderboard_is_drawn_and_nothing_is_where_nothing_may_be_shown(
    broker: str, capsys: Captured, tmp_path: Path
) -> None:
    words = ["leaderboard", "--broker", broker, "--plot", str(tmp_path / "values.svg")]
    assert run([*words, "--yardstick", "precision@1"]) == 1
    assert "nothing was drawn" in capsys.readouterr().err
    assert run(words) == 0
    assert "median/greedy" in (tmp_path / "values.svg").read_text()


def test_a_ranking_is_printed_with_titles_and_reasons(broker: str, capsys: Captured) -> None:
    page = learned().pages[0]
    assert run(["rankings", "get", page.user_id, "--broker", broker, "--table"]) == 0
    printed = capsys.readouterr().out
    assert f"1. {page.shelves[0].shelf_id}: score" in printed
    assert "by score" in printed
    assert sum(line.strip()[:2] in {"1 ", "2 "} for line in printed.splitlines()) >= len(page.shelves)


@pytest.mark.parametrize("what", ["groups", "cards", "statistics", "outcomes"])
def test_an_export_is_the_same_in_both_formats(what: str, broker: str, tmp_path: Path, capsys: Captured) -> None:
    files = [tmp_path / f"{what}{ending}" for ending in (".csv", ".parquet")]
    for file in files:
        assert run(["export", what, "--broker", broker, "--to", str(file), "--json"]) == 0
    table = parquet.read_table(files[1])
    counts = [json.loads(part + "}")["rows"] for part in capsys.readouterr().out.split("}\n") if part]
    rows = rows_of(files[0])
    assert counts == [len(rows), table.num_rows]
    for row, other in zip(rows, table.to_pylist(), strict=True):
        assert row == {name: "" if value is None else str(value) for name, value in other.items()}
    model = learned().model
    expected = {
        "groups": len(model.user_prior) * len(model.card_prior),
        "cards": len(learned().card_groups),
        "statistics": 0,
        "outcomes": 2,
    }
    assert len(rows) == expected[what]
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".csv", ".parquet"]


def test_outcomes_are_rows_with_corrections_beside_them(broker: str, tmp_path: Path) -> None:
    assert run(["export", "outcomes", "--broker", broker, "--to", str(tmp_path / "outcomes.csv")]) == 0
    settled, corrected = sorted(rows_of(tmp_path / "outcomes.csv"), key=lambda row: row["kind"], reverse=True)
    assert list(settled) == names_of(OUTCOMES)
    assert (settled["kind"], settled["played_ms"], settled["previous_ms"]) == ("settled", "180000", "")
    assert (corrected["kind"], corrected["played_ms"], corrected["previous_ms"]) == ("corrected", "40000", "0")


def add_all(file: TableFile, rows: Iterable[ValueRow]) -> None:
    for row in rows:
        file.add(row)
    raise ValueError("the log is shorter than it was")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_after_an_error_what_was_there_before_stays(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"outcomes{ending}"
    file.write_text("before")
    rows = [("settled",) + (None,) * (len(OUTCOMES) - 1)]
    with pytest.raises(ValueError, match="shorter"), table_file(file, OUTCOMES) as opened:
        add_all(opened, rows)
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_co_clusters_of_a_file_are_shown_like_those_of_a_broker(tmp_path: Path, capsys: Captured) -> None:
    plays = tmp_path / "plays.csv"
    lines = [f"u{user},{'long' if card % 2 else 'short'}{card},{(3_600 if card % 2 else 20) + user}"
             for user in range(12) for card in range(6)]  # fmt: skip
    plays.write_text("user,item,seconds\n" + "\n".join(lines))
    genres = tmp_path / "genres.csv"
    genres.write_text("item,genres\n" + "\n".join(f"long{card},sleep|calm" for card in (1, 3, 5)) + "\nshort0,party\n")
    groups = tmp_path / "groups.json"
    words = ["cocluster", str(plays), "--user-groups", "1", "--card-groups", "2", "--genres", str(genres)]
    assert run([*words, "--out", str(groups)]) == 0
    printed = capsys.readouterr().out
    assert "· sleep" in printed
    assert run(["groups", "--file", str(groups), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    by_label = {group["label"]: group for group in told["card_groups"]}
    assert sorted(by_label["party"]["examples"]) == ["short0", "short2", "short4"]
    number = by_label[next(label for label in by_label if label != "party")]["number"]
    thresholds, other = told["thresholds_s"]["mean"][0], by_label["party"]["number"]
    assert thresholds[other] < 60.0, "thresholds are pulled towards each other by so few plays"
    assert thresholds[number] > 1_800.0
    assert run(["groups", "--file", str(plays)]) == 2
    assert "no co-clusters as written by" in capsys.readouterr().err
