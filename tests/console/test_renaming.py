"""Editors rename card groups where that is switched on, and nobody else does."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from schemas.codec import decode
from schemas.learning import CardGroupName
from streams.auditing.reading import read_committed
from streams.cli.main import run
from streams.console.console_app import console_app
from streams.console.editing import publishing
from streams.console.renaming import FORM_BYTES_MAX, Renaming
from streams.settings import Settings
from tests.console.told_records import NOW_MS, everything, learned, state_of

TOKEN = "only-pages-of-this-process-have-it"
OWN = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
Written = list[tuple[str, str, bytes | None]]


def editor(written: Written) -> TestClient:
    async def publish(topic: str, key: str, value: bytes | None) -> None:
        written.append((topic, key, value))

    app = console_app(
        state_of(everything()), broker="kafka:9092", hosts=("localhost",), now_ms=lambda: NOW_MS,
        renaming=Renaming(TOKEN, publish),
    )  # fmt: skip
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def form(**changes: Any) -> dict[str, Any]:
    return {"token": TOKEN, "group": 1, "generation": learned().model.generation, "name": "Falling asleep", **changes}


def post(client: TestClient, fields: dict[str, Any], headers: dict[str, str] = OWN) -> Any:
    return client.post("/co-clusters/names", content=urlencode(fields), headers=headers)


def test_a_name_is_written_as_the_command_writes_it_and_the_page_says_so() -> None:
    written: Written = []
    client = editor(written)
    answer = post(client, form())
    assert answer.status_code == 303
    [(topic, key, value)] = written
    assert value is not None
    said = decode(topic, value)
    assert (key, said) == ("1", CardGroupName(group=1, generation=learned().model.generation, name="Falling asleep"))
    assert "The name is written" in client.get(answer.headers["location"]).text


def test_an_empty_name_removes_the_one_that_was_given() -> None:
    written: Written = []
    assert post(editor(written), form(name=" ")).status_code == 303
    assert written == [("card-group-names", "1", None)]


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        (form(token="guessed"), OWN, 403),
        (form(token=""), OWN, 403),
        (form(token="é"), OWN, 403),
        (form(), {}, 403),
        (form(), {**OWN, "origin": "http://elsewhere.example"}, 403),
        (form(), {**OWN, "origin": "null"}, 403),
        (form(), {**OWN, "sec-fetch-site": "cross-site"}, 403),
        (form(group=99), OWN, 409),
        (form(group="١"), OWN, 409),
        (form(group=-1), OWN, 409),
        (form(generation=0), OWN, 409),
        (form(name="x" * 300), OWN, 400),
        (form(name="x" * FORM_BYTES_MAX), OWN, 413),
    ],
)
def test_a_request_that_no_page_of_this_console_sent_or_that_names_nothing_writes_nothing(
    fields: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    written: Written = []
    assert post(editor(written), fields, headers).status_code == status
    assert not written


def test_names_reach_the_topic_that_the_learner_reads(broker: str) -> None:
    asyncio.run(publishing(Settings(), broker)("card-group-names", "1", b"{}"))
    assert asyncio.run(read_committed(broker, "card-group-names")) == [(b"1", b"{}")]


def test_the_right_to_write_names_and_experiments_is_the_editors_alone(capsys: pytest.CaptureFixture[str]) -> None:
    rights = {}
    for program in ("console", "console-editor"):
        assert run(["topics", "acls", "--program", program]) == 0
        rights[program] = capsys.readouterr().out.splitlines()
    writing = [line.split("--topic ")[1] for line in rights["console-editor"] if "Write" in line]
    assert sorted(writing) == ["card-group-names", "experiments"]
    assert not [line for line in rights["console"] if "Write" in line]
