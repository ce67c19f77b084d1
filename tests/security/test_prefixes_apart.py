"""Two shelfwise with different prefixes on one Apache Kafka, side by side, each with the rights of its own prefix."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.codec import encode
from streams.connections import aiokafka_options
from streams.harness.jars import JarsKafka
from streams.publishing import Publisher
from streams.settings import Settings, load
from streams.topics.acls import Grant, grants
from streams.topics.admin import TopicsError, ensure, refuse_unless_ready
from streams.topics.programs import Program
from tests.builders import stream_end
from tests.security.conftest import LACKERS, environment
from tests.topics.test_two_prefixes import TEAMS, both, events, settings_of

pytestmark = pytest.mark.kafka
Allow = Callable[[str, Iterable[Grant]], None]


def secured(kafka: JarsKafka, user: str, file: Path, prefix: str) -> Settings:
    """The settings of a file, for a user who has to log in."""
    given = environment(kafka, user, group=f"{prefix}shelfwise")
    return load(file, {name.removeprefix("SHELFWISE_").lower(): value for name, value in given.items()})


async def write_as(settings: Settings, bootstrap: str) -> None:
    options = {name: it for name, it in aiokafka_options(settings, bootstrap).items() if name != "bootstrap_servers"}
    async with Publisher(bootstrap, **options) as publisher:
        await publisher.publish("stream-ends", "u1", encode(stream_end()))
        await publisher.flush()


def test_two_prefixes_work_side_by_side_and_neither_may_touch_the_other(
    kafka: JarsKafka, admin: Any, allow: Allow, tmp_path: Path
) -> None:
    admin.create_topics({"plays": {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    open_teams = [settings_of(prefix, tmp_path) for prefix in TEAMS]
    teams = []
    for user, prefix, plain in zip(LACKERS, TEAMS, open_teams, strict=False):
        ensure(plain, kafka.bootstrap)
        teams.append(secured(kafka, user, tmp_path / f"{prefix}toml", prefix))
        allow(user, grants(Program.WORKER, teams[-1]))
    asyncio.run(both(kafka.bootstrap, open_teams, workers=(kafka.secured_bootstrap, teams)))
    first, second = (asyncio.run(events(kafka.bootstrap, team)) for team in open_teams)
    assert (len(first), len(second), set(first) - set(second)) == (21, 20, {"of-a-only"})
    for user, prefix in zip(LACKERS, reversed(TEAMS), strict=False):
        stranger = secured(kafka, user, tmp_path / f"{prefix}toml", prefix)
        with pytest.raises(TopicsError, match="lacks the right Describe"):
            refuse_unless_ready(stranger, kafka.secured_bootstrap)
        with pytest.raises(TopicAuthorizationFailedError):
            asyncio.run(write_as(stranger, kafka.secured_bootstrap))
