"""What users hand over is read once, by one rule: the cases that were read twice, or by different rules, before."""

import csv
import gzip
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from streams.configuration_error import ConfigurationError
from streams.files.durations import Durations, read_durations
from streams.files.tables import CsvFile
from streams.files.text import bytes_of, lines_of
from streams.files.units import DurationUnit
from streams.replaying.event_lines import read_lines
from tests.builders import stream_end
from tests.replaying.histories import QUOTED, playtime_csv


def durations(folder: Path, content: str | bytes, unit: DurationUnit = DurationUnit.AUTO) -> Durations:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_durations(path, unit)


def plays(found: Durations) -> list[tuple[str, str, float]]:
    return [(play.user, play.item, round(play.seconds, 6)) for play in found.plays]


TWO = [("u1", "c1", 1_800.0), ("u2", "c2", 900.0)]
SAME = {
    "plain": "user,item,hours\nu1,c1,0.5\nu2,c2,0.25\n",
    "a byte order mark": "\ufeffuser,item,hours\nu1,c1,0.5\nu2,c2,0.25\n",
    "quoted headers": '"user","item","hours"\n"u1","c1","0.5"\nu2,c2,0.25\n',
    "a byte order mark before a quoted header": '\ufeff"user","item","hours"\nu1,c1,0.5\nu2,c2,0.25\n',
    "spaced headers": "user , item , hours \nu1,c1,0.5\nu2,c2,0.25\n",
    "spaces after commas": 'user, item, hours\nu1, c1, 0.5\n"u2", "c2", 0.25\n',
    "a repeated column": "hours,hours,hours\nu1,c1,0.5\nu2,c2,0.25\n",
    "ends of lines as Windows has them": "user,item,hours\r\nu1,c1,0.5\r\nu2,c2,0.25\r\n",
    "no end of the last line, and blank ones": "user,item,hours\n\nu1,c1,0.5\n\nu2,c2,0.25",
    "further columns": "user,item,hours,when\nu1,c1,0.5,now\nu2,c2,0.25,\n",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_table_however_it_is_written(name: str, tmp_path: Path) -> None:
    for content in (SAME[name].encode(), gzip.compress(SAME[name].encode())):
        found = durations(tmp_path, content)
        assert (plays(found), found.unit, dict(found.refused)) == (TWO, DurationUnit.HOURS, {})


def test_quotes_commas_and_line_breaks_are_part_of_a_name(tmp_path: Path) -> None:
    found = durations(tmp_path, QUOTED)
    assert plays(found) == [("u1", 'Doom, "II"', 5_400.0), ("u2", "multi\nline", 7_200.0)]


def test_a_file_without_a_header_line_keeps_its_first_row_and_asks_for_the_unit(tmp_path: Path) -> None:
    rows = "u1,c1,0.5\nu2,c2,0.25\n"
    found = durations(tmp_path, rows, DurationUnit.HOURS)
    assert plays(found) == TWO
    assert "the first row counts" in found.taken
    with pytest.raises(ConfigurationError, match="no header line: give --duration-unit"):
        durations(tmp_path, rows)


UNITS = {
    "hours": 0.5, "Hours": 0.5, "hrs_played": 0.5, "play time (h)": 0.5, "minutes": 30.0, "min": 30.0,
    "seconds": 1_800.0, "playSeconds": 1_800.0,
    "duration_s": 1_800.0, "ms": 1_800_000.0, "msPlayed": 1_800_000.0, "ms_played": 1_800_000.0,
    "milliseconds": 1_800_000.0,
}  # fmt: skip


@pytest.mark.parametrize("header", UNITS)
def test_the_unit_is_the_headers_own_word(header: str, tmp_path: Path) -> None:
    found = durations(tmp_path, f"user,item,{header}\nu1,c1,{UNITS[header]}\n")
    assert plays(found) == [("u1", "c1", 1_800.0)]


@pytest.mark.parametrize("header", ["duration", "playtime", "time", "hours_and_minutes", "streams", "amount"])
def test_a_header_that_says_no_unit_asks_for_it(header: str, tmp_path: Path) -> None:
    table = f"user,item,{header}\nu1,c1,1800\n"
    with pytest.raises(ConfigurationError, match="--duration-unit"):
        durations(tmp_path, table)
    assert plays(durations(tmp_path, table, DurationUnit.SECONDS)) == [("u1", "c1", 1_800.0)]


@pytest.mark.parametrize(
    ("header", "value", "unit"),
    [
        ("seconds", "217", DurationUnit.HOURS),
        ("hours", "217", DurationUnit.AUTO),
        ("seconds", "214000", DurationUnit.AUTO),
        ("ms", "217", DurationUnit.AUTO),
        ("seconds", "0.05", DurationUnit.AUTO),
    ],
)
def test_a_unit_in_which_the_median_is_out_of_this_world_is_refused(
    header: str, value: str, unit: DurationUnit, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="not plausible"):
        durations(tmp_path, f"user,item,{header}\n" + f"u1,c1,{value}\n" * 3, unit)


def test_skips_do_not_make_a_file_implausible(tmp_path: Path) -> None:
    assert len(durations(tmp_path, "user,item,seconds\n" + "u1,c1,0\n" * 9 + "u1,c1,200\n").plays) == 10


def test_bad_rows_are_counted_by_what_is_wrong_with_them(tmp_path: Path) -> None:
    bad = 'u1\nu1,c1,long\n,c1,3\nu1,c1,-4\nu1,c1,nan\nu1,c1,inf\nu1,c1,1_0\nu1,c1,"0,5"\nu1,a,b,3\nu1,c1,٣\n'
    found = durations(tmp_path, "user,item,hours\nu1,c1,0.5\n" + bad)
    assert dict(found.refused) == {
        "too_few_columns": 1, "not_a_number": 4, "empty_id": 1, "out_of_range": 3, "too_many_columns": 1
    }  # fmt: skip
    assert [play.row for play in found.plays] == [0]


def test_a_names_row_is_that_of_the_content_alone(tmp_path: Path) -> None:
    text = playtime_csv("n1")
    same = [text, "\ufeff" + text, text.replace("\n", "\r\n"), gzip.compress(text.encode())]
    assert len({durations(tmp_path, content).digest for content in same}) == 1
    other = [text, playtime_csv("n2"), text + "u1,c1,0.5\n", text.replace("0.2558", "0.2559", 1)]
    assert len({durations(tmp_path, content).digest for content in other}) == 4


UNREADABLE = {
    "latin-1": ("user,item,hours\nJosé,c1,1\n".encode("latin-1"), r"line 2: byte 0xe9 is not UTF-8.*iconv"),
    "utf-16": ("user,item,hours\n".encode("utf-16"), "is UTF-16.*iconv"),
    "binary": (b"user\x00item", "line 1: this is binary data"),
    "gzip by its name only": (b"user,item,hours\n", "not a gzip file"),
    "gzip cut off": (gzip.compress(b"user,item,hours\n" * 99)[:-9], "cannot be decompressed"),
    "a quote that never ends": (b'user,item,hours\nu1,c1,1\n"u2,c1,3\nu3,c1,2\n', "the row that begins in line 3"),
    "letters after a quote": (b'user,item,hours\n"u1"x,c1,1\n', "the row that begins in line 2"),
    "semicolons": (b"user;item;hours\nu1;c1;1\n", "separated by commas"),
    "empty": (b"", "has 0 columns"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_where_and_what_to_do(name: str, tmp_path: Path) -> None:
    content, said = UNREADABLE[name]
    path = tmp_path / ("table.csv.gz" if "gzip" in name else "table.csv")
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_durations(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_column_that_is_needed_may_not_come_twice(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(' "item_id",click ,click\n')
    file = CsvFile(path)
    assert file.header(file.rows(), ("item_id",)) == ["item_id", "click", "click"]
    with pytest.raises(ConfigurationError, match="click more than once"):
        file.header(CsvFile(path).rows(), ("item_id", "click"))


def test_a_byte_order_mark_is_no_part_of_the_first_message(tmp_path: Path) -> None:
    line = encode(stream_end(user_id="Zoë")).decode()
    path = tmp_path / "events.jsonl"
    path.write_text(f"\ufeff{line}\n\n{line}\n{{\n[[\n")
    rejected = Counter[str]()
    assert [event.user_id for event in read_lines(path, rejected)] == ["Zoë", "Zoë"]
    assert rejected.total() == 2


@given(st.binary(max_size=200))
def test_no_bytes_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(content)
    for reader in (read_durations, lambda it: list(lines_of(it)), bytes_of):
        with suppress(ConfigurationError):
            reader(path)


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1))
def test_whatever_csv_can_say_is_read_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-names"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        rows.writerow(("user", "item", "seconds"))
        rows.writerows((user, item, 60) for user, item in names)
    assert [(play.user, play.item) for play in read_durations(path).plays] == names
