"""The two example services work as they stand, on one topic that keeps every version; what goes wrong is one line."""

import asyncio
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.subscribers import AsyncRankingSubscriber
from streams.subscribers.ranking_table import TOPIC
from tests.subscribers.conftest import DEADLINE_S, ranking, write

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
USERS = [f"u{number}" for number in range(20)]
VERSIONS = 12
Captured = pytest.CaptureFixture[str]


def service(name: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, EXAMPLES / name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def brokered(*, topic: bool = True) -> Iterator[str]:
    """A broker whose topic of rankings keeps every version that is written."""
    with EmbeddedBroker() as broker:
        if topic:
            admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
            admin.create_topics([NewTopic(TOPIC, num_partitions=2, replication_factor=1)])
            admin.close()
        yield broker.bootstrap


@pytest.fixture
def full() -> Iterator[str]:
    """A topic with twelve versions of twenty listeners' rankings."""
    with brokered() as bootstrap:
        write(bootstrap, [(user, ranking(user, number)) for number in range(1, VERSIONS + 1) for user in USERS])
        yield bootstrap


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """What is still silent after a while is killed, so that whoever reads from it comes back."""
    alarm = threading.Timer(DEADLINE_S, process.kill)
    alarm.start()
    try:
        yield process
    finally:
        alarm.cancel()
        process.kill()
        process.wait()


def test_two_services_show_the_same_rankings(full: str) -> None:
    with (
        ended(service("page_service.py", full, "u1", "stranger")) as page,
        ended(service("push_service.py", full)) as push,
    ):
        shown, _ = page.communicate(timeout=DEADLINE_S)
        assert shown.splitlines() == ["u1 own shelf-1:card-12", "stranger global shelf-1:card-12"]
        assert push.stdout is not None
        assert push.stderr is not None
        assert "waiting" in push.stderr.readline()
        write(full, [("u1", ranking("u1", 13)), ("u2", ranking("u2", 13))])
        write(full, [("u1", ranking("u1", 14))])
        pushed = [push.stdout.readline().strip()]
        while pushed[-1] != "push to u1: card-14":
            assert pushed[-1], "what is new is pushed"
            pushed.append(push.stdout.readline().strip())
    assert not [line for line in pushed if line.endswith("card-12")], "what stood there is not new"
    assert max(Counter(pushed).values()) == 1, "each is pushed once"


def followed(capsys: Captured, *arguments: str) -> list[tuple[str, int]]:
    capsys.readouterr()
    assert run(["rankings", "follow", *arguments]) == 0
    rankings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(one["user_id"], one["ranking_number"]) for one in rankings]


def test_follow_prints_the_newest_of_each_listener_once_then_what_comes(full: str, capsys: Captured) -> None:
    found = followed(capsys, "--broker", full, "--count", str(len(USERS)))
    assert sorted(found) == sorted((user, VERSIONS) for user in USERS)
    assert followed(capsys, "--broker", full, "--user", "u3", "--count", "1") == [("u3", VERSIONS)]


def test_a_listener_who_was_withdrawn_is_not_followed_by_another_ones_ranking(full: str, capsys: Captured) -> None:
    write(full, [("u0", None)])
    found = followed(capsys, "--broker", full, "--count", str(len(USERS) - 1))
    assert sorted(found) == sorted((user, VERSIONS) for user in USERS[1:])


def test_follow_since_now_leaves_out_what_stood_there(full: str) -> None:
    words = ["-m", "streams.cli.main", "rankings", "follow", "--broker", full, "--since", "now", "--count", "1"]
    with ended(subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)) as following:
        number = VERSIONS
        while following.poll() is None:  # until it has caught up, what comes may count as what stood there
            number += 1
            write(full, [("u1", ranking("u1", number))])
        assert following.stdout is not None
        [line] = following.stdout
    assert json.loads(line)["ranking_number"] > VERSIONS


def test_a_slow_follower_sees_the_newest_of_each_listener_once(full: str) -> None:
    async def follow() -> list[tuple[str, int]]:
        seen = []
        async with asyncio.timeout(DEADLINE_S), AsyncRankingSubscriber(full) as subscriber:
            async for user in subscriber.follow():
                found = subscriber.get(user)
                assert found is not None
                seen.append((user, found.ranking.ranking_number))
                if len(seen) == 1:
                    new = [(other, ranking(other, VERSIONS + 1)) for other in USERS]
                    await asyncio.to_thread(write, full, new)
                    while subscriber.table.counters["taken"] < len(USERS) * (VERSIONS + 1):  # noqa: ASYNC110  no event
                        await asyncio.sleep(0)
                if len(seen) == len(USERS) + 1:
                    return seen
        return seen

    seen = asyncio.run(follow())
    first = seen[0][0]
    assert sorted(seen) == sorted([(first, VERSIONS), *((user, VERSIONS + 1) for user in USERS)])


@pytest.mark.parametrize("name", ["page_service.py", "push_service.py"])
def test_what_goes_wrong_is_one_line_and_a_status(name: str) -> None:
    with brokered(topic=False) as bootstrap:
        for words, status in (([], 2), (["kafka"], 2), (["127.0.0.1:1"], 2), ([bootstrap], 1)):
            with ended(service(name, *words)) as process:
                out, said = process.communicate()
            assert (process.returncode, out, len(said.splitlines())) == (status, "", 1), said
            assert said.startswith(f"{name.removesuffix('.py')}: ")


def test_an_example_is_as_short_as_the_readme_says() -> None:
    for path in EXAMPLES.glob("*.py"):
        code = [line for line in path.read_text().splitlines() if line.strip() and '"""' not in line]
        assert len(code) <= 14, f"{path.name} has {len(code)} lines"
