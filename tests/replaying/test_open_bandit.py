"""The Open Bandit Dataset at its edges: positions, zones, numbers; the same rule for whoever reads the log."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from streams.cli.main import run
from streams.files.tables import CsvFile, messages_of
from streams.replaying.open_bandit import COLUMNS, event_ms_of, events_of, logged_row
from streams.replaying.open_bandit_log import read_log
from tests.replaying.histories import OBD_HEADER, obd_csv

NOON_MS = 1_574_596_800_000  # 2019-11-24 12:00 UTC
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for written in ("2019-11-24 12:00:00", "2019-11-24 12:00:00+00:00", "2019-11-24T21:00:00+09:00"):
            assert event_ms_of(written) == NOON_MS
        assert event_ms_of("2019-11-24 12:00:00.017999+00:00") == NOON_MS + 17
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("written", ["", "noon", "0001-01-01 00:00+14:00", "2019-11-24 25:00", "1574596800"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"not an ISO 8601 time|before 1970"):
        event_ms_of(written)


def test_a_position_out_of_range_is_refused_by_whoever_reads_the_log(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "log.csv"
    path.write_text(obd_csv(*(("2019-11-24 12:00:00", position, "0") for position in ("0", "1", "2", "3", "4", "-1"))))
    rejected = Counter[str]()
    rows = list(messages_of(CsvFile(path), COLUMNS, logged_row, rejected))
    assert [row.exposure.position for row in rows] == [1, 2, 3] == read_log(path).position.tolist()
    assert rejected == read_log(path).rejected == {"position is not 1, 2 or 3": 3}
    assert run(["evaluate", "obd", "--log", str(path), "--target", "uniform", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rejected"] == {"position is not 1, 2 or 3": 3}


BAD_ROWS = {
    "1_0,1,0,0.5,f": "item_id is not a whole number",
    "٣,1,0,0.5,f": "item_id is not a whole number",
    "-3,1,0,0.5,f": "item_id is negative",
    "3,1.0,0,0.5,f": "position is not a whole number",
    "3,1,2,0.5,f": "click is neither 0 nor 1",
    "3,1,0,0,f": "propensity_score is not in (0, 1]",
    "3,1,0,nan,f": "propensity_score is not in (0, 1]",
    '3,1,0,"0,5",f': "propensity_score is not a number",
    "3,1,0": "too_few_columns",
    "3,1,0,0.5,f,and more": "too_many_columns",
}


@pytest.mark.parametrize("row", BAD_ROWS)
def test_a_bad_row_is_counted_by_what_is_wrong(row: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{OBD_HEADER}0,2019-11-24 12:00:00,{row}\n")
    rejected = Counter[str]()
    assert not list(messages_of(CsvFile(path), COLUMNS, logged_row, rejected))
    assert rejected == {BAD_ROWS[row]: 1}


def test_names_follow_from_the_content_and_the_row(tmp_path: Path) -> None:
    names = []
    for number, click in enumerate("010"):
        file = CsvFile(tmp_path / f"{number}.csv")
        file.path.write_text(obd_csv(("2019-11-24 12:00:00", "1", click), ("2019-11-24 12:00:01", "2", "1")))
        rows = list(messages_of(file, COLUMNS, logged_row, Counter()))
        names.append([event.event_id for row in rows for event in events_of(row, file.digest)])
    assert names[0] == names[2]
    assert not set(names[0]) & set(names[1])
    assert len(set(names[1])) == 4
