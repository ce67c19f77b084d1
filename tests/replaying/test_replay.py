"""`shelfwise replay` on one broker: files that differ both count, the same file once, each check is of its own file."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.catalogue import CatalogueCard
from schemas.codec import encode
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from streams.auditing.reading import read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.publishing import Publisher
from streams.replaying.account import present_events
from streams.replaying.event_lines import read_lines
from tests.builders import card, impression, stream_end
from tests.replaying.histories import QUOTED, obd_csv, playtime_csv

Captured = pytest.CaptureFixture[str]
TOPICS = ("impressions", "stream-ends", "outcomes", "interactions", "catalogue")


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        yield broker.bootstrap


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def replayed(capsys: Captured, kind: str, file: Path, bootstrap: str) -> tuple[dict[str, Any], str]:
    """What a replay found, and what it said besides."""
    capsys.readouterr()
    assert run(["replay", kind, str(file), "--broker", bootstrap, "--json"]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def records(bootstrap: str) -> dict[str, list[tuple[bytes | None, bytes | None]]]:
    return {topic: sorted(asyncio.run(read_committed(bootstrap, topic)), key=repr) for topic in TOPICS}


def test_two_files_both_count_and_the_same_file_changes_nothing(
    bootstrap: str, tmp_path: Path, capsys: Captured
) -> None:
    files = [written(tmp_path, f"{name}.csv", playtime_csv(name)) for name in ("n1", "n2")]
    for file in files:
        found, said = replayed(capsys, "playtime", file, bootstrap)
        assert (found["stream_ends"], found["interactions"], found["already_there"]) == (60, 60, 0)
        assert found["adds_up"]
        assert "taken as hours, as the header 'hours' says" in said
    before = records(bootstrap)
    again, said = replayed(capsys, "playtime", files[0], bootstrap)
    assert (again["stream_ends"], again["interactions"], again["already_there"]) == (0, 60, 60)
    assert again["adds_up"]
    assert "nothing has changed" in said
    assert records(bootstrap) == before


QUICKLY = "[coclusters]\nwarmup_events = 60\n"
MAPPED = """
[input.stream_ends]
user_id = "who"
card_id = "what"
played_min = "minutes"
event_ms = "at"
"""


def test_a_mapped_file_counts_without_the_rows_that_cannot_be_mapped(
    bootstrap: str, tmp_path: Path, capsys: Captured
) -> None:
    at = "2024-05-01T08:{:02}:00Z"
    rows = [{"who": f"u{n % 6}", "what": f"c{n % 9}", "minutes": n % 9 + 1, "at": at.format(n)} for n in range(60)]
    lines = [*rows, {"what": "c1", "minutes": 2, "at": at.format(0)}]
    file = written(tmp_path, "history.jsonl", "\n".join(map(json.dumps, lines)))
    config = written(tmp_path, "mapping.toml", MAPPED)
    words = ["replay", "mapped", "--stream-ends", str(file), "--config", str(config), "--broker", bootstrap]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["stream_ends"], found["interactions"], found["adds_up"]) == (61, 60, 60, True)
    assert sum(found["rejected"].values()) == 1


def test_a_report_of_a_replay_has_the_five_pictures(bootstrap: str, tmp_path: Path, capsys: Captured) -> None:
    file, config = written(tmp_path, "play.csv", playtime_csv("n", 240)), written(tmp_path, "quick.toml", QUICKLY)
    genres = written(tmp_path, "genres.csv", "item,genres\nn-item1,jazz\nn-item2,sleep\n")
    page = tmp_path / "steam.html"
    words = ["replay", "playtime", str(file), "--genres", str(genres), "--config", str(config), "--broker", bootstrap]
    assert run([*words, "--report", str(page), "--json"]) == 0
    assert page.read_text().count("<figure") >= 5
    capsys.readouterr()


def test_quoted_names_arrive_as_csv_means_them_beside_what_lies_there(
    bootstrap: str, tmp_path: Path, capsys: Captured
) -> None:
    """The other events in these topics, one of them in no partition of its listener, are no matter of this file's."""

    known = msgspec.structs.replace(card(card_id='Doom, "II"'), title="What the editors call it")

    async def before() -> None:
        async with Publisher(bootstrap) as publisher:
            await publisher.publish("stream-ends", "somebody else", encode(stream_end(event_id="misplaced")))
            await publisher.publish("stream-ends", "u1", b"no event")
            await publisher.publish("catalogue", known.card_id, encode(known))
            await publisher.flush()

    asyncio.run(before())
    found, _ = replayed(capsys, "playtime", written(tmp_path, "quoted.csv", QUOTED), bootstrap)
    assert (found["stream_ends"], found["interactions"], found["adds_up"]) == (2, 2, True)
    cards = dict(asyncio.run(read_committed(bootstrap, "catalogue")))
    assert cards.keys() == {b'Doom, "II"', b"multi\nline"}
    assert cards[known.card_id.encode()] == encode(known), "a card that is known is left as it is"


def test_two_logs_of_impressions_both_count(bootstrap: str, tmp_path: Path, capsys: Captured) -> None:
    days = [
        obd_csv(
            *((f"2019-11-2{day} 00:00:0{n}", str(position), str(n % 2)) for n, position in enumerate((1, 2, 3, 0, 4)))
        )
        for day in (4, 5)
    ]
    for number, text in enumerate(days):
        found, _ = replayed(capsys, "obd", written(tmp_path, f"{number}.csv", text), bootstrap)
        assert found["rejected"] == {"position is not 1, 2 or 3": 2}
        assert (found["impressions"], found["stream_ends"], found["outcomes"], found["interactions"]) == (3, 1, 3, 1)
        assert found["streamed"] == 1
        assert found["adds_up"]


def test_events_of_this_moment_are_waited_for_and_it_is_said_until_when(
    bootstrap: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two whole numbers one is a float; and the same event, lying there so, is not sent again."""
    for name, length_ms in (("HORIZON", 15_000), ("ATTRIBUTION", 15_000), ("CORRECTION", 60_000), ("LATENESS", 500)):
        monkeypatch.setenv(f"SHELFWISE_SETTLEMENT__{name}_MS", str(length_ms))
    now_ms = time.time_ns() // 1_000_000
    lines = [encode(impression(event_ms=now_ms)), encode(stream_end(started_ms=now_ms, event_ms=now_ms))]
    lines[0] = lines[0].replace(b"%d" % now_ms, b"%d.0" % now_ms)
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    found, said = replayed(capsys, "events", file, bootstrap)
    assert (found["outcomes"], found["streamed"], found["interactions"], found["rejected"]) == (1, 1, 1, {})
    assert found["adds_up"]
    assert "an exposure settles 0.2 min after it was shown" in said
    assert "this waits for it" in said
    odd = lines[0].replace(b'"i1"', b'"i2"')
    asyncio.run(published(bootstrap, "impressions", odd))
    present = asyncio.run(present_events(bootstrap, {}))
    assert present.names >= {("u1", "i1"), ("u1", "i2"), ("u1", "s1")}


async def published(bootstrap: str, topic: str, value: bytes) -> None:
    async with Publisher(bootstrap) as publisher:
        await publisher.publish(topic, "u1", value)
        await publisher.flush()


def test_two_runs_of_one_seed_are_other_visits(tmp_path: Path) -> None:
    names = []
    for number in range(2):
        file = tmp_path / f"{number}.jsonl"
        assert run(["simulate", "--users", "8", "--cards", "12", "--impressions", "10", "--out", str(file)]) == 0
        events = [line for line in read_lines(file, Counter()) if not isinstance(line, CatalogueCard)]
        names.append({event.event_id for event in events})
        shown = {event.event_id for event in events if isinstance(event, Impression)}
        named = {event.impression_id for event in events if isinstance(event, StreamEnd)} - {None}
        assert named
        assert named <= shown
    assert not names[0] & names[1]
