"""Two shelfwise with different prefixes on one cluster do not see each other."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from schemas.codec import encode
from schemas.topics import TOPICS
from streams.app import build_app
from streams.auditing.reading import read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.configuration_error import ConfigurationError
from streams.connections import aiokafka_options
from streams.publishing import Publisher
from streams.reading.topic_names import TopicNames
from streams.settings import Settings, load
from streams.subscribers.asynchronous import AsyncRankingSubscriber
from streams.topics.acls import Resource, grants
from streams.topics.admin import ensure
from streams.topics.programs import Program
from tests.builders import stream_end

TEAMS = ("team-a.", "team-b.")
MAPPING = """
[input.stream_ends]
topic = "plays"
user_id = "u"
card_id = "c"
played_s = "s"
event_s = "t"
"""


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        yield broker.bootstrap


def settings_of(prefix: str, folder: Path) -> Settings:
    file = folder / f"{prefix}toml"
    file.write_text(f'tasks = ["mapping"]\n[topics]\nprefix = "{prefix}"\nnames = {{ catalogue = "{prefix}cards" }}\n')
    file.write_text(file.read_text() + MAPPING)
    return load(file)


async def events(bootstrap: str, settings: Settings) -> list[str]:
    options = {**aiokafka_options(settings, bootstrap)}
    del options["bootstrap_servers"]
    found = await read_committed(bootstrap, "stream-ends", options)
    return [json.loads(value or b"")["event_id"] for _, value in found]


async def work_until(bootstrap: str, settings: Settings, count: int, worker: tuple[str, Settings]) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(build_app(worker[1], worker[0]).run(stop))
    async with asyncio.timeout(180):
        while len(await events(bootstrap, settings)) < count and not working.done():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    stop.set()
    await working


async def both(bootstrap: str, teams: list[Settings], workers: tuple[str, list[Settings]] | None = None) -> None:
    """Foreign records, and a worker of each team, with other settings if `workers` has some for another listener."""
    async with Publisher(bootstrap) as publisher:
        for number in range(20):
            play = {"u": f"u{number % 3}", "c": "c1", "s": 30, "t": 1_780_000_000 + number}
            await publisher.publish("plays", f"session-{number}", json.dumps(play).encode())
        await publisher.publish("plays", "session", b"no json")
        await publisher.flush()
    own = aiokafka_options(teams[0], bootstrap)
    del own["bootstrap_servers"]
    async with Publisher(bootstrap, **own) as publisher:
        await publisher.publish("stream-ends", "u1", encode(stream_end(event_id="of-a-only")))
        [written] = await publisher.flush()
        assert written.topic == "stream-ends", "what is written is told by our names"
    where, theirs = workers or (bootstrap, teams)
    counts = zip(teams, (21, 20), theirs, strict=True)
    await asyncio.gather(*(work_until(bootstrap, team, count, (where, its)) for team, count, its in counts))


def test_each_has_topics_group_ids_and_letters_of_its_own(bootstrap: str, tmp_path: Path) -> None:
    from tests.exactly_once.brokers import create_topics

    create_topics(bootstrap, {"plays": 2})
    teams = [settings_of(prefix, tmp_path) for prefix in TEAMS]
    for prefix in TEAMS:
        assert run(["topics", "apply", "--broker", bootstrap, "--config", str(tmp_path / f"{prefix}toml")]) == 0
    asyncio.run(both(bootstrap, teams))
    first, second = (asyncio.run(events(bootstrap, team)) for team in teams)
    assert (len(first), len(second)) == (21, 20), "both map the same foreign topic, each to its own"
    assert set(first) - set(second) == {"of-a-only"}
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        names = set(admin.list_topics())
        groups = {group["group_id"] if isinstance(group, dict) else group[0] for group in admin.list_groups()}
    finally:
        admin.close()
    for prefix in TEAMS:
        assert {prefix + name for name in TOPICS if name != "catalogue"} | {f"{prefix}cards"} <= names
        assert {f"{prefix}mapping-stream-ends.dlq", f"{prefix}mapping-stream-ends-state"} <= names
    assert not names & set(TOPICS), "nothing has a plain name"
    assert {"team-a.shelfwise", "team-b.shelfwise"} <= groups
    for prefix, again in ((TEAMS[0], 0), (TEAMS[1], 0)):
        words = [
            "dlq",
            "replay",
            "mapping-stream-ends",
            "--broker",
            bootstrap,
            "--config",
            str(tmp_path / f"{prefix}toml"),
        ]
        assert run(words) == again


def test_subscribers_read_the_rankings_of_their_own(bootstrap: str, tmp_path: Path) -> None:
    async def newest(prefix: str) -> int:
        async with AsyncRankingSubscriber(bootstrap, topic_names=TopicNames(prefix=prefix)) as subscriber:
            await subscriber.caught_up()
            return subscriber.behind_count

    for prefix in TEAMS:
        ensure(settings_of(prefix, tmp_path).model_copy(update={"input": Settings().input}), bootstrap)
        assert asyncio.run(newest(prefix)) == 0


def test_rights_name_topics_groups_and_ids_of_one_prefix_only(tmp_path: Path) -> None:
    granted = grants(Program.WORKER, settings_of("team-a.", tmp_path).model_copy(update={"tasks": Settings().tasks}))
    for grant in granted:
        foreign = grant.resource is Resource.TOPIC and grant.name == "plays"
        assert grant.name.startswith("team-a.") or foreign, grant
    assert "team-a.cards" in {grant.name for grant in granted}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('prefix = "a b"', "prefix 'a b' must be letters"),
        ('names = { pages = "p" }', "names.pages: there is no such topic"),
        ('names = { catalogue = "outcomes" }', "two topics are called outcomes"),
    ],
)
def test_a_wrong_name_is_refused(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "names.toml"
    file.write_text(f"[topics]\n{line}\n")
    with pytest.raises(ConfigurationError, match=said):
        load(file)
