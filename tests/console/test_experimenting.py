"""Editors define, change and end experiments where that is switched on, with the checks of the command."""

import asyncio
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from schemas.codec import decode, encode
from schemas.experiments import ExperimentDefinition
from streams import experiment_plans
from streams.cli import experiments_command
from streams.console.console_app import console_app
from streams.console.editing import publishing, reading
from streams.console.experiment_pages import PATH
from streams.console.experimenting import FORM_BYTES_MAX, TEMPLATE, Experimenting
from streams.console.own_forms import RefusedError
from streams.console.views.definitions_view import definitions
from streams.experiment_plans import TOPIC
from streams.files.experiment_file import definition_of
from streams.settings import Settings
from tests.console.test_pages import client, refuse_unless_valid
from tests.console.told_records import NOW_MS, everything, record, state_of

TOKEN = "only-pages-of-this-process-have-it"
OWN = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}


class Editor:
    """A console whose topic of experiments is a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.written = 0
        experimenting = Experimenting(
            TOKEN, Settings(), read=self._read, publish=self._publish, now_ms=lambda: NOW_MS
        )  # fmt: skip
        app = console_app(
            state_of(everything()), broker="kafka:9092", hosts=("localhost",), now_ms=lambda: NOW_MS,
            experimenting=experimenting,
        )  # fmt: skip
        self.client = TestClient(app, base_url="http://localhost", follow_redirects=False)

    async def _read(self, topic: str) -> dict[str, bytes]:
        assert topic == TOPIC
        return dict(self.values)

    async def _publish(self, topic: str, key: str, value: bytes | None) -> None:
        assert (topic, value is None) == (TOPIC, False)
        self.values[key] = value or b""
        self.written += 1

    def post(self, headers: dict[str, str] = OWN, **fields: Any) -> Any:
        body = {"token": TOKEN, "text": TEMPLATE, "of": "", "revision": 0, "lead_s": 10, "do": "apply", **fields}
        return self.client.post(PATH, content=urlencode(body), headers=headers)

    def known(self, name: str = "static-home") -> ExperimentDefinition:
        found = decode(TOPIC, self.values[name])
        assert isinstance(found, ExperimentDefinition)
        return found


def text_in(html: str) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", html, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_an_experiment_is_checked_applied_changed_and_ended() -> None:
    editor = Editor()
    assert text_in(editor.client.get(PATH).text) == TEMPLATE
    checked = editor.post(do="check")
    refuse_unless_valid(checked.text)
    assert "static-home starts: revision 1" in checked.text
    assert "80% are in no experiment of the layer" in checked.text
    assert not editor.written, "checking writes nothing"
    assert editor.post().headers["location"] == "/evidence?applied=static-home#definitions"
    first = editor.known()
    assert (first.revision, first.effective_ms, len(first.variants[1].buckets)) == (1, NOW_MS + 10_000, 100)
    opened = editor.client.get(f"{PATH}?name=static-home")
    refuse_unless_valid(opened.text)
    text = text_in(opened.text)
    assert definition_of(text, "it") == definition_of(TEMPLATE, "it")
    again = editor.post(text=text, of="static-home", revision=1, do="check")
    assert "is as it was: nothing was changed" in again.text
    grown = text.replace('name = "static"\nshare = 0.1', 'name = "static"\nshare = 0.3')
    assert editor.post(text=grown, of="static-home", revision=1, lead_s=60).status_code == 303
    second = editor.known()
    assert (second.revision, second.effective_ms, second.earlier) == (2, NOW_MS + 60_000, (first.phase,))
    assert set(first.variants[1].buckets) < set(second.variants[1].buckets)
    assert editor.post(text="", of="static-home", revision=2, do="stop").status_code == 303
    assert (editor.known().status, editor.known().revision, editor.written) == ("stopped", 3, 3)
    assert editor.post(text="", of="static-home", revision=3, do="stop").status_code == 303
    assert editor.written == 3, "it was stopped before"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('layer = "ranking"', 'lair = "ranking"', "the text: lair is not known; there are alpha, begins"),
        ("share = 0.1", "share = 0.7", "the shares add to 1.4, more than one"),
        ('reward = "static"', 'reward = "best"', "experiment static-home: variant static: no reward is named"),
        ('metric = "stream-rate"', 'metric = "fame"', "experiment static-home:"),
        ('name = "static"', 'name = "<b>"', "Expected `str` matching regex"),
        (TEMPLATE, "{", "the text is neither TOML nor JSON"),
        (TEMPLATE, "", "missing required field"),
    ],
)
def test_faults_are_named_as_the_command_names_them_beside_the_text_that_stays(
    before: str, after: str, why: str
) -> None:
    editor = Editor()
    assert before in TEMPLATE
    text = TEMPLATE.replace(before, after)
    for do in ("check", "apply"):
        answer = editor.post(text=text, do=do)
        assert answer.status_code == 400
        refuse_unless_valid(answer.text)
        assert why in unescape(answer.text)
        assert 'aria-invalid="true" aria-describedby="text-error"' in answer.text
        assert text_in(answer.text) == text
    assert not editor.written


def defined(editor: Editor, **changes: Any) -> None:
    assert editor.post().status_code == 303
    editor.values["static-home"] = encode(replace(editor.known(), **changes))
    editor.written = 0


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"token": "guessed"}, OWN, 403),
        ({"token": ""}, OWN, 403),
        ({}, {}, 403),
        ({}, {**OWN, "origin": "http://elsewhere.example"}, 403),
        ({}, {**OWN, "sec-fetch-site": "cross-site"}, 403),
        ({"do": "remove"}, OWN, 400),
        ({"do": ""}, OWN, 400),
        ({"lead_s": 0, "of": "static-home", "revision": 1}, OWN, 400),
        ({"lead_s": "9" * 9, "of": "static-home", "revision": 1}, OWN, 400),
        ({"lead_s": "soon", "of": "static-home", "revision": 1}, OWN, 400),
        ({"text": "#" * FORM_BYTES_MAX}, OWN, 413),
        ({}, OWN, 400),
        ({"of": "static-home", "revision": 7}, OWN, 400),
        ({"of": "static-home", "revision": 7, "do": "stop"}, OWN, 400),
        ({"of": "other", "do": "stop"}, OWN, 400),
    ],
)
def test_what_no_page_of_this_console_sent_or_what_is_not_what_the_editor_saw_writes_nothing(
    fields: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    editor = Editor()
    defined(editor)
    answer = editor.post(headers, **{"text": TEMPLATE.replace('hypothesis = ""', 'hypothesis = "x"'), **fields})
    assert answer.status_code == status
    refuse_unless_valid(answer.text)
    assert not editor.written


def test_the_evidence_shows_who_sees_what_and_leads_editors_to_the_text() -> None:
    editor = Editor()
    assert f'href="{PATH}"' in editor.client.get("/evidence").text
    defined(editor)
    state = state_of([record(TOPIC, "static-home", editor.known())])
    [shown] = definitions(state, NOW_MS + 20_000)
    assert (shown.name, shown.state) == ("static-home", "running")
    assert shown.variants.rows == (("control", "10%", "the settings"), ("static", "10%", "reward static"))
    assert [one.state for one in definitions(state, NOW_MS)] == ["waiting"]
    state.take([record(TOPIC, "static-home", None)])
    assert not definitions(state, NOW_MS)
    assert editor.client.get(f"{PATH}?name=nothing").status_code == 404


def test_the_command_and_the_page_have_the_same_longest_wait() -> None:
    assert experiments_command.LEAD_MAX_S == experiment_plans.LEAD_MAX_S


def test_without_the_switch_there_is_no_editor() -> None:
    filled = client([])
    assert filled.get(PATH).status_code == 404
    assert "--allow-editing" in filled.get("/evidence").text


def test_a_broker_is_read_anew_and_written_as_the_command_does(broker: str) -> None:
    async def play() -> dict[str, bytes]:
        publish, read = publishing(Settings(), broker), reading(Settings(), broker)
        for value in (b"1", b"2"):
            await publish(TOPIC, "e", value)
        return await read(TOPIC)

    assert asyncio.run(play())["e"] == b"2"


def test_a_broker_that_is_away_is_said_on_the_page() -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: publishing(Settings(), "127.0.0.1:1")(TOPIC, "e", b"1"),
        lambda: reading(Settings(), "127.0.0.1:1")(TOPIC),
    ]
    for attempt in attempts:
        with pytest.raises(RefusedError, match="does not answer") as refused:
            asyncio.run(attempt())
        assert refused.value.status == 503
