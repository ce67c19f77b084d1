"""Everything that connects, over TLS and SASL, with exactly the rights that `shelfwise topics acls` lists."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.codec import encode
from streams.connections import aiokafka_options, kafka_python_options
from streams.console.console_state import ConsoleState
from streams.console.following import Follower
from streams.console.views.troubles import troubles
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.harness.jars import JarsKafka
from streams.publishing import Publisher
from streams.settings import Settings, load
from streams.subscribers import AsyncRankingSubscriber, RankingSubscriber
from streams.topics.acls import Grant, Resource, grants
from streams.topics.programs import Program
from streams.worker_process import WorkerProcess
from tests.builders import card, impression
from tests.security.conftest import LACKERS, SETTINGS, USERS, Command, environment

pytestmark = pytest.mark.kafka
DEADLINE_S = 180.0
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


async def looked_at(bootstrap: str, settings: Settings, user_id: str) -> ConsoleState:
    """What a console knows once it has read the listener's ranking and seen what waits for the workers."""
    state = ConsoleState()
    following = asyncio.create_task(Follower(settings, bootstrap, state).run())
    async with asyncio.timeout(DEADLINE_S):
        while user_id not in state.rankings["home"].users() or state.meter.lag("impressions") is None:
            assert not following.done(), following.exception()
            await asyncio.sleep(0.05)
    following.cancel()
    await asyncio.wait([following])
    return state


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_each_program_works_with_exactly_its_rights(
    kafka: JarsKafka, allow: Allow, mechanism: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {}
    for program in (Program.WORKER, Program.CLIENT, Program.SUBSCRIBER, Program.CONSOLE):
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
        state = asyncio.run(looked_at(bootstrap, settings[Program.CONSOLE], user_id))
        assert not troubles(state, wall_clock_ms())
        worker.refuse_if_dead()
    written = log.read_text()
    assert "committed" in written, "all that it says was looked at"
    assert "hunter2" not in written


def without(settings: Settings, resource: Resource, name: str, right: str) -> list[Grant]:
    """All that a worker needs but one right; Describe, which goes with Read and Write, stays: it would not start."""
    needed = grants(Program.WORKER, settings)
    kept = []
    for grant in needed:
        rest = set(grant.operations)
        if grant.resource is resource and name in {"", grant.name}:
            rest.remove(right)
            if resource is Resource.TOPIC:
                rest.add("Describe")
        if rest:
            kept.append(msgspec.structs.replace(grant, operations=tuple(rest)))
    assert kept != needed
    return kept


LACKING = {
    "input": (Resource.TOPIC, "impressions", "Read", "read its input"),
    "output": (Resource.TOPIC, "shelf-rankings", "Write", "write outputs, state and offsets"),
    "state": (Resource.TOPIC, "listeners-state", "Read", "read its state"),
    "broadcast": (Resource.TOPIC, "catalogue", "Read", "read broadcast topics"),
    "group": (Resource.GROUP, "", "Read", "join its group"),
    "transactional id": (Resource.TRANSACTIONAL_ID, "", "Write", "use its transactional id"),
}


@pytest.mark.slow
def test_a_worker_that_lacks_one_right_ends_in_one_clear_line(
    kafka: JarsKafka, allow: Allow, shelfwise: Command
) -> None:
    """All at the same time, each a user and a group of its own: most of a worker's start is waiting."""
    for user, (resource, name, right, _) in zip(LACKERS, LACKING.values(), strict=True):
        allow(user, without(SETTINGS.model_copy(update={"group": user}), resource, name, right))
    allow("client", grants(Program.CLIENT, SETTINGS))
    given = {key.removeprefix("SHELFWISE_").lower(): value for key, value in environment(kafka, "client").items()}
    asyncio.run(spoil(kafka.secured_bootstrap, aiokafka_options(load(None, given), kafka.secured_bootstrap)))
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda user: shelfwise(user, "worker", "--tasks", "listeners"), LACKERS))
    for lacking, (status, out, err) in zip(LACKING, ended, strict=True):
        [last] = [line for line in err.splitlines() if line.startswith("shelfwise: ")]
        assert status == 1
        assert LACKING[lacking][3] in last, lacking
        assert "grant" in last
        assert "hunter2" not in out + err


async def spoil(bootstrap: str, options: dict[str, Any]) -> None:
    """Give workers something to read, and to set aside."""
    await show_page(bootstrap, options, "u1")
    async with Publisher(bootstrap, **options) as publisher:
        await publisher.publish("impressions", "u1", b"not a page")
        await publisher.flush()


WRONG = {
    "password": ({"sasl_password": "hunter2-wrong"}, "refuses 'worker': check sasl_username and sasl_password"),
    "user": ({"sasl_username": "nobody"}, "refuses 'nobody'"),
    "authority": ({"ssl_ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "check ssl_ca_file"),
    "mechanism": ({"sasl_mechanism": "SCRAM-SHA-256"}, "sasl_mechanism SCRAM-SHA-256"),
    "protocol": ({"security_protocol": "SASL_PLAINTEXT"}, "check the port and security_protocol"),
    "half of it": ({"sasl_mechanism": ""}, "sasl_mechanism"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_who_is_not_let_in_is_told_why_and_no_secret_is_told(command: Command, wrong: str) -> None:
    changes, said = WRONG[wrong]
    for words in (["worker"], ["topics", "plan"]):
        ended = command("worker", *words, **changes)
        assert ended.returncode == 2
        assert said in ended.stderr.splitlines()[-1]
        assert "hunter2" not in ended.stdout + ended.stderr


def test_an_operator_applies_topics_and_replays_dead_letters_and_nobody_else_does(
    admin: Any, allow: Allow, command: Command
) -> None:
    refused = command("operator", "topics", "apply")
    assert refused.returncode == 1
    assert "lacks the right Describe" in refused.stderr
    allow("worker", without(SETTINGS, Resource.TOPIC, "outcomes", "DescribeConfigs"))
    refused = command("worker", "worker")
    assert refused.returncode == 1
    assert "lacks the right DescribeConfigs on outcomes" in refused.stderr
    allow("operator", grants(Program.OPERATOR, SETTINGS))
    admin.delete_topics(["policy-values"])
    deadline_s = time.monotonic() + DEADLINE_S
    while "policy-values" in admin.list_topics():
        assert time.monotonic() < deadline_s
    applied = command("operator", "topics", "apply")
    assert applied.returncode == 0, applied.stderr
    assert command("operator", "topics", "verify").returncode == 0
    assert command("operator", "dlq", "list").returncode == 0
    assert command("operator", "dlq", "replay", "stream-ends").returncode == 0


def test_the_rights_are_printed_as_commands_and_as_json(command: Command) -> None:
    printed = command("worker", "topics", "acls", "--principal", "User:worker").stdout
    assert "--operation Read --operation DescribeConfigs --topic impressions\n" in printed
    assert "--operation Write --transactional-id shelfwise-listeners- --resource-pattern-type prefixed\n" in printed
    found = json.loads(command("worker", "topics", "acls", "--program", "subscriber", "--json").stdout)
    assert {"resource": "topic", "name": "shelf-rankings", "operations": ["Read"], "is_prefix": False} in found[
        "grants"
    ]


def test_settings_show_no_secret(command: Command) -> None:
    shown = command("worker", "config", "show").stdout
    assert json.loads(shown)["sasl_password"] == "**********"
    assert USERS["worker"] not in shown


def test_a_grower_grows_the_topics_with_its_rights_and_not_without(allow: Allow, command: Command) -> None:
    """The last test: what comes after it has more partitions."""
    twice = ["topics", "grow", "--page-partitions", str(2 * SETTINGS.page_partitions), "--json"]
    few = [grant for grant in grants(Program.GROWER, SETTINGS) if grant.resource is not Resource.TRANSACTIONAL_ID]
    allow("grower", few)
    refused = command("grower", *twice)
    assert refused.returncode == 1
    assert "topics acls --program grower" in refused.stderr.splitlines()[-1]
    allow("grower", grants(Program.GROWER, SETTINGS))
    grown = command("grower", *twice)
    assert grown.returncode == 0, grown.stderr
    assert json.loads(grown.stdout)["after"] == 2 * SETTINGS.page_partitions
