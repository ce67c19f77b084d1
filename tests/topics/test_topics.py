"""`shelfwise topics` against the embedded broker and Apache Kafka: it creates, adds, raises, and takes nothing away."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from schemas.topics import STAMP_AHEAD_MAX, TOPICS
from streams.cli.main import run
from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.harness.jars import JarsKafka
from streams.topics.plan import UNLIMITED, FoundTopic, Wanted, plan

DEADLINE_S = 120.0
BACKENDS: dict[str, Callable[[], KafkaHarness]] = {
    "embedded": EmbeddedKafka,
    # as careless as a cluster can be: to name a topic makes it
    "jars": lambda: JarsKafka(properties={"auto.create.topics.enable": "true"}),
}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.kafka] * (name == "jars")) for name in BACKENDS]
)
def harness(request: pytest.FixtureRequest) -> Iterator[KafkaHarness]:
    with BACKENDS[request.param]() as started:
        yield started


@pytest.fixture
def admin(harness: KafkaHarness) -> Iterator[Any]:
    """An administrator of a cluster without topics."""
    client = KafkaAdminClient(bootstrap_servers=harness.bootstrap)
    deadline_s = time.monotonic() + DEADLINE_S
    while left := names(client):
        assert time.monotonic() < deadline_s
        client.delete_topics(left, raise_errors=False)
        time.sleep(0.05)
    yield client
    client.close()


def names(admin: Any) -> list[str]:
    return [topic for topic in admin.list_topics() if not topic.startswith("__")]


def create(admin: Any, name: str, partitions: int, **changes: str) -> None:
    config = {**TOPICS[name].config(), **changes}
    admin.create_topics(
        {name: {"num_partitions": partitions, "replication_factor": 1, "configs": config}}, wait_for_metadata=True
    )


def config_of(admin: Any, name: str) -> dict[str, str]:
    described = admin.describe_configs([ConfigResource("TOPIC", name)], config_filter="all")["topic"][name]
    return {key: data["value"] for key, data in described.items()}


@pytest.fixture
def topics(harness: KafkaHarness, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[Any], str]]:
    """Runs `shelfwise topics`: exit status, steps, standard error."""

    def command(what: str) -> tuple[int, list[Any], str]:
        capsys.readouterr()
        status = run(["topics", what, "--broker", harness.bootstrap, "--json"])
        printed = capsys.readouterr()
        return status, json.loads(printed.out)["steps"], printed.err

    return command


def test_all_topics_are_planned_created_and_verified_and_twice_is_as_good_as_once(admin: Any, topics: Any) -> None:
    assert topics("verify")[0] == 1
    status, steps, _ = topics("plan")
    assert status == 0
    assert {(step["action"], step["topic"]) for step in steps} == {("create", name) for name in TOPICS}
    assert names(admin) == [], "a plan changes nothing"
    assert topics("apply")[0] == 0
    assert topics("apply")[:2] == (0, [])
    assert topics("verify")[:2] == (0, [])
    assert sorted(names(admin)) == sorted(TOPICS)
    for name, topic in TOPICS.items():
        assert topic.config().items() <= config_of(admin, name).items()


def test_co_partitioned_topics_that_differ_are_refused_with_what_to_do(admin: Any, topics: Any) -> None:
    create(admin, "impressions", 4)
    create(admin, "stream-ends", 3)
    status, _, said = topics("apply")
    assert status == 1
    assert "stream-ends: has 3 partitions, impressions has 4: they are joined by partition and must be equal" in said
    assert "recreate it with 4" in said


def test_page_topics_with_another_common_count_may_stay_if_settings_say_so(
    admin: Any, topics: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(admin, "impressions", 6)
    create(admin, "stream-ends", 6)
    status, _, said = topics("apply")
    assert status == 1
    assert "set page_partitions = 6" in said
    assert len(names(admin)) == 2, "nothing is made while somebody has to decide"
    monkeypatch.setenv("SHELFWISE_PAGE_PARTITIONS", "6")
    assert topics("apply")[0] == 0
    assert topics("verify")[0] == 0


def test_nothing_is_lowered_and_what_is_too_low_is_raised(admin: Any, topics: Any) -> None:
    create(admin, "impressions", 4, **{"retention.ms": "-1"})
    create(admin, "stream-ends", 4, **{"retention.ms": "1000", "min.insync.replicas": "1"})
    assert topics("apply")[0] == 0
    assert config_of(admin, "impressions")["retention.ms"] == "-1"
    assert config_of(admin, "stream-ends")["retention.ms"] == str(TOPICS["stream-ends"].retention_ms)


def test_a_topic_that_one_task_reads_whole_is_not_split(admin: Any, topics: Any) -> None:
    create(admin, "interactions", 2)
    status, _, said = topics("apply")
    assert status == 1
    assert "interactions: has 2 partitions, needs exactly 1: one task reads it whole" in said


def test_a_compacted_topic_that_would_lose_records_is_a_persons_to_decide(admin: Any, topics: Any) -> None:
    create(admin, "shelf-rankings", 4, **{"cleanup.policy": "delete"})
    assert topics("verify")[0] == topics("apply")[0] == 1
    assert config_of(admin, "shelf-rankings")["cleanup.policy"] == "delete"


def test_too_few_copies_are_seen_and_cannot_be_asked_of_one_broker(
    admin: Any, topics: Any, monkeypatch: pytest.MonkeyPatch, harness: KafkaHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELFWISE_REPLICATION_FACTOR", "3")
    assert run(["topics", "apply", "--broker", harness.bootstrap]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "InvalidReplicationFactorError" in said
    assert names(admin) == []
    create(admin, "impressions", 4)
    steps = [step for step in topics("plan")[1] if step["topic"] == "impressions"]
    assert [step["action"] for step in steps] == ["conflict", "set_config"]
    assert steps[0]["detail"].startswith("has 1 copy, needs 3")
    assert steps[1]["config"] == {"min.insync.replicas": "2"}


@pytest.mark.parametrize(
    "command",
    [
        ["worker"],
        ["rankings", "get", "u1"],
        ["rankings", "follow", "--count", "1"],
        ["simulate", "--impressions", "5", "--users", "5"],
    ],
    ids=" ".join,
)
def test_on_a_cluster_without_topics_a_command_ends_in_one_line_and_makes_none(
    admin: Any, harness: KafkaHarness, command: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--broker", harness.bootstrap]) == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("shelfwise: ")
    assert "shelfwise topics apply" in last
    assert names(admin) == []


def test_there_are_no_dead_letters_on_a_cluster_without_topics(admin: Any, harness: KafkaHarness) -> None:
    assert run(["dlq", "list", "--broker", harness.bootstrap]) == 0
    assert run(["dlq", "replay", "impressions", "--broker", harness.bootstrap]) == 0
    assert names(admin) == []


@pytest.mark.parametrize(
    ("has", "planned"),
    [({}, []), ({STAMP_AHEAD_MAX: UNLIMITED}, [{STAMP_AHEAD_MAX: "3600000"}]), ({STAMP_AHEAD_MAX: "7200000"}, [])],
)
def test_what_the_broker_can_refuse_is_set_where_it_knows_how_and_nobody_has_chosen(
    has: dict[str, str], planned: list[dict[str, str]]
) -> None:
    known = {name: value for name, value in TOPICS["impressions"].config().items() if name != STAMP_AHEAD_MAX}
    found = FoundTopic(partitions=4, config={**known, "min.insync.replicas": "1", **has})
    steps = plan([TOPICS["impressions"]], {"impressions": found}, Wanted(page_partitions=4))
    assert [step.config for step in steps] == planned
