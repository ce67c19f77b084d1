"""What a mapping makes of fields: names, numbers with their units, times with their zones; and what it refuses."""

import json
from pathlib import Path
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.stream_ends import StreamEnd
from streams.configuration_error import ConfigurationError
from streams.mapping.expressions import Expression
from streams.mapping.mapped_files import DUPLICATE, PASSED_OVER, mapped_rows
from streams.mapping.mapper import mapper_of
from streams.mapping.mapping_settings import ImpressionMapping, InputSettings, StreamEndMapping
from streams.mapping.unmappable import UnmappableError
from streams.settings import load

HISTORY = """\
{"ts":"2024-03-31T00:58:11Z","username":"listener-7","track":"Night Rain","ms_played":214000,"reason":"trackdone"}
{"ts":"2024-03-31T01:02:40Z","username":"listener-7","track":"Night Rain","ms_played":1200,"reason":"fwdbtn"}
{"ts":"2024-03-31T01:03:00Z","username":"listener-9","track":"Caf\\u00e9 \\"Blue\\"","ms_played":28000000}
{"ts":"2024-03-31T03:03:00+02:00","username":"listener-9","track":"Café \\"Blue\\"","ms_played":0,"reason":"unknown"}
"""
NAMED = {"user_id": "username", "card_id": "track", "played_ms": "ms_played", "event_ms": "ts"}
PLAY = {"username": "u1", "track": "c1", "ms_played": 5_000, "ts": 1_700_000_000_000}


def history(folder: Path, text: str = HISTORY, **settings: Any) -> list[StreamEnd]:
    file = folder / "history.jsonl"
    file.write_text(text)
    found = mapped_rows([("stream-ends", file)], InputSettings(stream_ends=StreamEndMapping(**NAMED, **settings)))
    return [event for event in found.events if isinstance(event, StreamEnd)]


def mapped(**changes: Any) -> StreamEnd:
    message = mapper_of(StreamEndMapping(**NAMED)).message({**PLAY, **changes})
    assert isinstance(message, StreamEnd)
    return message


def test_a_listening_history_as_services_export_it(tmp_path: Path) -> None:
    streams = history(tmp_path)
    assert [it.user_id for it in streams] == ["listener-7", "listener-7", "listener-9", "listener-9"]
    assert {it.card_id for it in streams} == {"Night Rain", 'Café "Blue"'}
    assert [it.played_ms for it in streams] == [214_000, 1_200, 28_000_000, 0]
    assert streams[2].event_ms == streams[3].event_ms, "the zone counts"
    assert [it.event_id for it in history(tmp_path)] == [it.event_id for it in streams], "ids follow from the content"
    assert len({it.event_id for it in streams}) == 4


def test_a_row_that_stands_twice_is_one_event_and_what_where_excludes_is_none(tmp_path: Path) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text(HISTORY * 2)
    where = StreamEndMapping(**NAMED, where="reason != 'unknown'")
    found = mapped_rows([("stream-ends", file)], InputSettings(stream_ends=where))
    assert len(found.events) == 3
    assert found.rejected == {DUPLICATE: 3, PASSED_OVER: 2}
    assert found.row_count == 8


CSV = "user;song;minutes;when\nu1;a;2,5;2024-07-01 12:00\nu2;b;1.5;2024-03-31 02:30\nu3;c;1.5;2024-10-27 02:30:00\n"


def test_local_times_are_in_the_zone_of_the_settings(tmp_path: Path) -> None:
    """A time that was skipped is refused; of one that occurred twice, the earlier is meant."""
    file = tmp_path / "plays.csv"
    file.write_text(CSV.replace("2,5", "2.5"))
    mapping: dict[str, Any] = {
        "format": "csv", "delimiter": ";", "user_id": "user", "card_id": "song", "played_min": "minutes",
        "event_ms": '"when"',
    }  # fmt: skip
    found = mapped_rows(
        [("stream-ends", file)], InputSettings(stream_ends=StreamEndMapping(**mapping, timezone="Europe/Berlin"))
    )
    assert [event.event_ms for event in found.events] == [1_719_828_000_000, 1_729_989_000_000]
    assert found.rejected == {"wrong_field event_ms": 1}
    with pytest.raises(ConfigurationError, match=r"plays.csv, row 2: input.stream_ends.event_ms: .* has no time zone"):
        mapped_rows([("stream-ends", file)], InputSettings(stream_ends=StreamEndMapping(**mapping)))
    other = StreamEndMapping(**{**mapping, "user_id": "usr"})
    with pytest.raises(
        ConfigurationError, match=r"no column usr, which input.stream_ends.user_id names; the nearest is u"
    ):
        mapped_rows([("stream-ends", file)], InputSettings(stream_ends=other))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": None}, "missing_field: user_id: `username` gives nothing"),
        ({"username": ""}, "wrong_field: user_id: has 0 characters"),
        ({"username": {"a": 1}}, "wrong_field: user_id: {'a': 1} is not an identifier"),
        ({"track": 1.5}, "wrong_field: card_id: 1.5 is not an identifier"),
        ({"ms_played": "long"}, "wrong_field: played_ms: 'long' is not a number"),
        ({"ms_played": "1_000"}, "wrong_field: played_ms: '1_000' is not a number"),
        ({"ms_played": -1}, "wrong_field: played_ms: -1 is not a duration"),
        ({"ms_played": float("nan")}, "wrong_field: played_ms: nan is not a number"),
        ({"ms_played": 10**12}, "wrong_field: played_ms: expected `int` <= 2678400000, and it is 1000000000000"),
        ({"ts": 1_700_000_000}, "wrong_field: event_ms: 1700000000 lies in 1970: is it in seconds, event_s?"),
        ({"ts": 10**19}, "beyond the year 9999"),
        ({"ts": -(10**19)}, "lies in no year"),
        ({"ts": "yesterday evening"}, "is not a time in ISO 8601"),
        ({"ts": "2024-03-31"}, "with a time of day"),
        ({"ts": "2024-03-31T10:00:00"}, "has no time zone"),
        ({"ts": True}, "wrong_field: event_ms: True is not a number"),
    ],
)
def test_what_cannot_be_mapped_names_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnmappableError) as caught:
        mapped(**changes)
    assert said in str(caught.value)


def test_numbers_may_be_names_and_texts_may_be_numbers() -> None:
    found = mapped(username=17, ms_played="5e3", ts="1700000000000")
    assert (found.user_id, found.played_ms, found.event_ms) == ("17", 5_000, 1_700_000_000_000)


def test_the_time_of_the_start_is_enough() -> None:
    mapping = StreamEndMapping(user_id="u", card_id="c", started_s="t", played_s="s")
    found = mapper_of(mapping).message({"u": "u1", "c": "c1", "t": 1_700_000_000, "s": 90})
    assert isinstance(found, StreamEnd)
    assert (found.started_ms, found.event_ms) == (1_700_000_000_000, 1_700_000_090_000)


PAGE = {"u": "u1", "t": 1_700_000_000, "cards": "a|b|c", "shelf": "jazz", "n": 2}


def test_a_line_of_csv_can_be_a_shelf() -> None:
    mapping = ImpressionMapping(
        user_id="u", event_s="t", shelf_id="shelf", cards="split(cards, '|')", seen_count="n", surface="'search'"
    )
    found = mapper_of(mapping).message(PAGE)
    assert found is not None
    [shelf] = found.shelves  # type: ignore[union-attr]
    assert (shelf.cards, shelf.seen, found.surface) == (("a", "b", "c"), (0, 1), "search")
    with pytest.raises(UnmappableError, match="seen_count: 4 of 3 cards"):
        mapper_of(mapping).message({**PAGE, "n": 4})
    with pytest.raises(UnmappableError, match="propensities: `p` gives nothing"):
        mapper_of(ImpressionMapping(**{**mapping_fields(mapping), "propensities": "p"})).message(PAGE)


def mapping_fields(mapping: ImpressionMapping) -> dict[str, Any]:
    return {name: getattr(mapping, name) for name in mapping.__struct_fields__}


names = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.just("x"),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(values, st.lists(names, min_size=1, max_size=4))
def test_a_plain_path_is_what_jmespath_makes_of_it(value: Any, path: list[str]) -> None:
    text = ".".join(path)
    assert Expression("user_id", text)(value) == jmespath.search(text, value)


WRONG = {
    'usr_id = "a"': "no setting is named input.stream_ends.usr_id; the nearest is input.stream_ends.user_id",
    'user_id = "a["': "input.stream_ends.user_id = 'a[' is not a JMESPath expression",
    'user_id = "nope(a)"\nwhere = "a =="': "input.stream_ends.where = 'a ==' is not a JMESPath expression",
    'played_s = "s"\nplayed_ms = "s"': "played_ms and played_s exclude each other: set one of them",
    'timezone = "Mars/Olympus"': "timezone 'Mars/Olympus' is not known",
    'topic = "impressions"': "topic impressions is one of ours",
    'topic = "plays"\nformat = "csv"': "name the fields of a line in columns",
    'format = "xml"': "Invalid enum value 'xml'",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_mapping_is_refused_in_one_line(line: str, tmp_path: Path) -> None:
    base = {"user_id": '"a"', "card_id": '"b"', "played_s": '"c"', "event_s": '"d"'}
    for given_line in line.splitlines():
        base.pop(given_line.partition(" ")[0], None)
    if line.startswith("usr_id"):
        del base["user_id"]
    text = "\n".join(["[input.stream_ends]", line, *(f"{name} = {value}" for name, value in base.items())])
    file = tmp_path / "mapping.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert WRONG[line] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_topic_has_one_mapping() -> None:
    plays = StreamEndMapping(**NAMED, topic="events")
    pages = ImpressionMapping(topic="events", user_id="u", event_s="t", shelf_id="s", cards="c", all_seen=True)
    with pytest.raises(ValueError, match="a topic has one mapping"):
        InputSettings(stream_ends=plays, impressions=pages)


def test_settings_print_their_mapping(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(
        'registry_password = "hush"\n[input.stream_ends]\n' + "\n".join(f'{k} = "{v}"' for k, v in NAMED.items())
    )
    shown = json.dumps(load(file).masked())
    assert "hush" not in shown
    assert '"user_id": "username"' in shown
