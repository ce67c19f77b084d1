"""Everything that connects, over TLS and SASL, with exactly the rights that `shelfwise topics acls` lists."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import encode
from streams.connections import aiokafka_options, kafka_python_options
from streams.demo.worker_process import WorkerProcess
from streams.harness.jars import JarsKafka
from streams.publishing import Publisher
from streams.settings import load
from streams.subscribers import AsyncRankingSubscriber, RankingSubscriber
from streams.topics.acls import Grant, Program, Resource, grants
from tests.builders import card, impression
from tests.security.conftest import SETTINGS, USERS, Command, environment

pytestmark = pytest.mark.kafka
DEADLINE_S = 60.0
Allow = Callable[[str, Iterable[Grant]], None]


async def show_page(bootstrap: str, options: dict[str, Any], user_id: str) -> None:
    async with Publisher(bootstrap, **options) as publisher:
        await publisher.publish("catalogue", "c1", encode(card()))
        page = impression(event_id=f"of {user_id}", user_id=user_id, event_ms=int(time.time() * 1_000))
        await publisher.publish("impressions", user_id, encode(page))
        await publisher.flush()


async def ranked(bootstrap: str, options: dict[str, Any], user_id: str) -> None:
    """Return once the listener has a ranking of its own."""
    async with asyncio.timeout(DEADLINE_S), AsyncRankingSubscriber(bootstrap, **options) as subscriber:
        async for named in subscriber.follow():
            if named == user_id:
                return


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_each_program_works_with_exactly_its_rights(
    kafka: JarsKafka, allow: Allow, mechanism: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {}
    for program in (Program.WORKER, Program.CLIENT, Program.SUBSCRIBER):
        allow(program, grants(program, SETTINGS))
        for name, value in environment(kafka, program, mechanism).items():
            monkeypatch.setenv(name, value)
        settings[program] = load()
    bootstrap, user_id, log = kafka.secured_bootstrap, f"listener-{mechanism}", tmp_path / "worker.log"
    quick = environment(kafka, "worker", mechanism, log_level="debug", session_timeout_ms="3000")
    with WorkerProcess(bootstrap, quick, log) as worker:
        asyncio.run(show_page(bootstrap, aiokafka_options(settings[Program.CLIENT], bootstrap), user_id))
        asyncio.run(ranked(bootstrap, aiokafka_options(settings[Program.SUBSCRIBER], bootstrap), user_id))
        with RankingSubscriber(bootstrap, **kafka_python_options(settings[Program.SUBSCRIBER], bootstrap)) as reader:
            while not reader.is_caught_up:
                reader.poll()
            found = reader.get(user_id)
            assert found is not None
            assert found.source == "own"
        worker.refuse_if_dead()
    written = log.read_text()
    assert "committed" in written, "all that it says was looked at"
    assert "hunter2" not in written


def without(program: Program, resource: Resource, name: str, right: str) -> list[Grant]:
    """All that a program needs but one right."""
    needed = grants(program, SETTINGS)
    kept = []
    for grant in needed:
        if grant.resource is resource and grant.name.startswith(name):
            rest = {operation for operation in grant.operations if operation != right}
            if right in {"Read", "Write"} and resource is Resource.TOPIC:
                rest.add("Describe")  # it goes with both; without it the worker would not even start
            if rest:
                kept.append(
                    Grant(resource=resource, name=grant.name, operations=tuple(rest), is_prefix=grant.is_prefix)
                )
        else:
            kept.append(grant)
    assert kept != needed
    return kept


LACKING = {
    "input": (Resource.TOPIC, "impressions", "Read", "write outputs, state and offsets"),
    "output": (Resource.TOPIC, "shelf-rankings", "Write", "write outputs"),
    "dead letters": (Resource.TOPIC, "impressions.dlq", "Write", "write outputs"),
    "settings": (Resource.TOPIC, "outcomes", "DescribeConfigs", "lacks the right DescribeConfigs on outcomes"),
    "state": (Resource.TOPIC, "listeners-state", "Read", "open partition"),
    "broadcast": (Resource.TOPIC, "catalogue", "Read", "read broadcast topics"),
    "group": (Resource.GROUP, "shelfwise", "Read", "group"),
    "transactional id": (Resource.TRANSACTIONAL_ID, "shelfwise-", "Write", "use its transactional id"),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_worker_that_lacks_one_right_ends_in_one_clear_line(
    kafka: JarsKafka, allow: Allow, shelfwise: Command, lacking: str
) -> None:
    resource, name, right, said = LACKING[lacking]
    allow("worker", without(Program.WORKER, resource, name, right))
    allow("client", grants(Program.CLIENT, SETTINGS))
    bootstrap = kafka.secured_bootstrap
    options = aiokafka_options(load(None, settings_of_environment(environment(kafka, "client"))), bootstrap)
    asyncio.run(spoil(bootstrap, options, lacking))
    ended = shelfwise("worker", "worker", "--tasks", "listeners")
    assert ended.returncode == 1, ended.stderr[-2000:]
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("shelfwise: ")
    assert re.search(said, last), last
    assert "grant" in last
    assert "hunter2" not in ended.stderr + ended.stdout


def settings_of_environment(values: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("SHELFWISE_").lower(): value for name, value in values.items()}


async def spoil(bootstrap: str, options: dict[str, Any], lacking: str) -> None:
    """Give the worker something to read, and to set aside."""
    await show_page(bootstrap, options, f"lacking {lacking}")
    async with Publisher(bootstrap, **options) as publisher:
        await publisher.publish("impressions", "u1", b"not a page")


WRONG = {
    "password": ({"sasl_password": "hunter2-wrong"}, "does not let 'worker' in: check sasl_username and sasl_password"),
    "user": ({"sasl_username": "nobody"}, "does not let 'nobody' in"),
    "authority": ({"ssl_ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "check ssl_ca_file"),
    "mechanism": ({"sasl_mechanism": "SCRAM-SHA-256"}, "sasl_mechanism SCRAM-SHA-256"),
    "protocol": ({"security_protocol": "SASL_PLAINTEXT"}, "check the port and security_protocol"),
    "half of it": ({"sasl_mechanism": ""}, "sasl_mechanism"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_who_is_not_let_in_is_told_why_and_no_secret_is_told(shelfwise: Command, wrong: str) -> None:
    changes, said = WRONG[wrong]
    for command in (["worker"], ["topics", "plan"]):
        ended = shelfwise("worker", *command, **changes)
        assert ended.returncode == 2, ended.stderr[-2000:]
        assert said in ended.stderr.splitlines()[-1]
        assert "hunter2" not in ended.stderr + ended.stdout


def test_an_operator_applies_topics_and_replays_dead_letters_and_nobody_else_does(
    admin: Any, allow: Allow, shelfwise: Command
) -> None:
    refused = shelfwise("operator", "topics", "apply")
    assert refused.returncode == 1
    assert "lacks the right Describe" in refused.stderr
    allow("operator", grants(Program.OPERATOR, SETTINGS))
    admin.delete_topics(["policy-values"])
    deadline_s = time.monotonic() + DEADLINE_S
    while "policy-values" in admin.list_topics():
        assert time.monotonic() < deadline_s
    applied = shelfwise("operator", "topics", "apply")
    assert applied.returncode == 0, applied.stderr
    assert shelfwise("operator", "topics", "verify").returncode == 0
    assert shelfwise("operator", "dlq", "list").returncode == 0
    assert shelfwise("operator", "dlq", "replay", "stream-ends").returncode == 0


def test_the_rights_are_printed_as_commands_and_as_json(shelfwise: Command) -> None:
    printed = shelfwise("worker", "topics", "acls", "--principal", "User:worker").stdout
    assert "--operation Read --operation DescribeConfigs --topic impressions\n" in printed
    assert "--operation Write --transactional-id shelfwise-listeners- --resource-pattern-type prefixed\n" in printed
    found = json.loads(shelfwise("worker", "topics", "acls", "--program", "subscriber", "--json").stdout)
    assert {"resource": "topic", "name": "shelf-rankings", "operations": ["Read"], "is_prefix": False} in found[
        "grants"
    ]


def test_settings_show_no_secret(shelfwise: Command) -> None:
    shown = shelfwise("worker", "config", "show").stdout
    assert json.loads(shown)["sasl_password"] == "**********"
    assert USERS["worker"] not in shown
