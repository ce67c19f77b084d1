"""Events of ours that another team wrote in its own shape settle exactly as our own."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd
from streams.mapping.formats.decoder import Headers
from streams.mapping.formats.format_catalogue import decoder_of
from streams.mapping.formats.registry import RegistryAccess
from streams.mapping.mapper import mapper_of
from streams.mapping.mapping_settings import ImpressionMapping, StreamEndMapping
from tests.builders import stream_end
from tests.settlement.test_settlement import SETTINGS, Settlement, feed, known

BASE_MS = 1_720_000_000_000
"""July 2024, in no hour that occurs twice."""
ZONE = "Europe/Berlin"
END_MS = BASE_MS + 5_000


class Shape(NamedTuple):
    """How the other team writes."""

    time: str  # iso, offset, local, seconds, milliseconds
    unit: str
    format: str  # json, cloudevents or csv
    is_nested: bool
    seen: str  # places, flags, names or count


shapes = st.builds(
    Shape,
    st.sampled_from(["iso", "offset", "local", "seconds", "milliseconds"]),
    st.sampled_from(["played_ms", "played_s", "played_min", "played_h"]),
    st.sampled_from(["json", "cloudevents", "csv"]),
    st.booleans(),
    st.sampled_from(["places", "flags", "names"]),
)
users, cards, offsets = st.sampled_from("uvü"), st.sampled_from(["c1", 'Café "2"', "c,3"]), st.integers(0, 700)


@st.composite
def streams(draw: st.DrawFn, number: int = 0) -> StreamEnd:
    started, played = BASE_MS + draw(offsets), draw(st.integers(0, 400))
    ended = started + played + draw(st.integers(0, 20))
    return stream_end(
        event_id=f"s{draw(st.integers(0, 30))}",
        user_id=draw(users),
        card_id=draw(cards),
        started_ms=started,
        event_ms=ended,
        played_ms=played,
        impression_id=draw(st.sampled_from([None, "i1"])),
    )


@st.composite
def pages(draw: st.DrawFn) -> Impression:
    shown = draw(st.lists(cards, min_size=1, max_size=3, unique=True))
    seen = draw(st.sets(st.integers(0, len(shown) - 1)))
    shelf = ShownShelf(
        shelf_id="jazz",
        cards=tuple(shown),
        propensities=tuple(draw(st.sampled_from([0.25, 1.0])) for _ in shown),
        seen=tuple(sorted(seen)),
    )
    number, at = draw(st.integers(0, 30)), BASE_MS + draw(offsets)
    return Impression(event_id=f"i{number}", user_id=draw(users), event_ms=at, shelves=(shelf,))


def foreign_time(shape: Shape, moment_ms: int) -> Any:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment_ms)
    return {
        "iso": moment.isoformat().replace("+00:00", "Z"),
        "offset": moment.astimezone(ZoneInfo("Asia/Kolkata")).isoformat(),
        "local": moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None).isoformat(" "),
        "seconds": moment_ms / 1_000,
        "milliseconds": moment_ms,
    }[shape.time]


UNITS_MS = {"played_ms": 1, "played_s": 1_000, "played_min": 60_000, "played_h": 3_600_000}


def foreign_play(shape: Shape, event: StreamEnd) -> dict[str, Any]:
    return {
        "kind": "play",
        "no": event.event_id,
        "who": event.user_id,
        "what": event.card_id,
        "from": foreign_time(shape, event.started_ms),
        "at": foreign_time(shape, event.event_ms),
        "long": event.played_ms / UNITS_MS[shape.unit],
        "because": event.impression_id,
    }


def foreign_page(shape: Shape, event: Impression) -> dict[str, Any]:
    [shelf] = event.shelves
    seen: dict[str, list[Any]] = {
        "places": list(shelf.seen),
        "flags": [place in shelf.seen for place in range(len(shelf.cards))],
        "names": [shelf.cards[place] for place in shelf.seen],
    }
    items = [{"uri": card, "p": p} for card, p in zip(shelf.cards, shelf.propensities, strict=True)]
    rows = [{"title": shelf.shelf_id, "items": items, "in_view": seen[shape.seen]}]
    at = foreign_time(shape, event.event_ms)
    return {"kind": "page", "no": event.event_id, "who": event.user_id, "at": at, "rows": rows}


PLAY_COLUMNS = ("kind", "no", "who", "what", "from", "at", "long", "because")


def record(shape: Shape, event: dict[str, Any], kind: str) -> tuple[bytes, Headers]:
    if kind == "csv":
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerow(["" if value is None else value for value in event.values()])
        return out.getvalue().encode(), ()
    whole = {"body": event} if shape.is_nested else event
    if kind == "cloudevents":
        headers = {"ce_id": "1", "ce_source": "/", "ce_type": "t", "ce_specversion": "1.0"}
        return json.dumps(whole).encode(), [(name, value.encode()) for name, value in headers.items()]
    return json.dumps(whole).encode(), ()


def mapped(shape: Shape, events: Sequence[Impression | StreamEnd]) -> list[Impression | StreamEnd]:
    """The events as the other team writes them, and as the mapping reads them."""
    formats = {"stream": shape.format, "page": "json" if shape.format == "csv" else shape.format}

    def at(kind: str, name: str) -> str:
        before = "data." if formats[kind] == "cloudevents" else ""
        return before + ("body." if shape.is_nested and formats[kind] != "csv" else "") + name

    event_unit = "event_s" if shape.time == "seconds" else "event_ms"
    started = "started_s" if shape.time == "seconds" else "started_ms"
    zone = {"timezone": ZONE} if shape.time == "local" else {}
    stream_settings: dict[str, Any] = {
        "format": formats["stream"],
        **{name: at("stream", where) for name, where in (("user_id", "who"), ("card_id", "what"), ("event_id", "no"))},
        event_unit: at("stream", "at"),
        started: at("stream", "from"),
        shape.unit: at("stream", "long"),
        "impression_id": at("stream", "because"),
        "where": f"{at('stream', 'kind')} == 'play'",
        **zone,
    }
    if shape.format == "csv":
        stream_settings |= {"columns": PLAY_COLUMNS, "delimiter": ";"}
    page_settings: dict[str, Any] = {
        "format": formats["page"],
        **{name: at("page", where) for name, where in (("user_id", "who"), ("event_id", "no"), ("shelves", "rows"))},
        event_unit: at("page", "at"),
        "shelf_id": "title",
        "cards": "items[].uri",
        "propensities": "items[].p",
        "seen": "in_view",
        **zone,
    }
    plays, shown = StreamEndMapping(**stream_settings), ImpressionMapping(**page_settings)
    found: list[Impression | StreamEnd] = []
    for event in events:
        mapping = plays if isinstance(event, StreamEnd) else shown
        foreign = foreign_play(shape, event) if isinstance(event, StreamEnd) else foreign_page(shape, event)
        value, headers = record(shape, foreign, mapping.format)
        message = mapper_of(mapping).message(decoder_of(mapping, RegistryAccess()).event(value, headers))
        assert message is not None
        found.append(message)
    return found


def outcomes(events: Sequence[Impression | StreamEnd]) -> list[str]:
    clock = Impression(event_id="end", user_id="clock", event_ms=END_MS, shelves=())
    last = stream_end(event_id="end", user_id="clock", started_ms=END_MS, event_ms=END_MS)
    return known(feed(Settlement(SETTINGS), [*events, clock, last]))


@given(shapes, st.lists(st.one_of(streams(), pages()), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_mapped_events_are_ours_and_have_the_same_outcomes(shape: Shape, events: list[Impression | StreamEnd]) -> None:
    found = mapped(shape, events)
    assert found == events
    assert outcomes(found) == outcomes(events)
