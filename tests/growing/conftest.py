"""Brokers whose topics grow, and settings of a team on one of them."""

from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.harness.jars import JarsKafka
from streams.settings import Settings, load
from streams.topics.admin import ensure

BACKENDS: dict[str, Callable[[], KafkaHarness]] = {"embedded": EmbeddedKafka, "jars": JarsKafka}
RENAMED = '[topics]\nprefix = "team{0}."\nnames = {{ shelf-rankings = "pages{0}", impressions = "shown{0}" }}\n'
SETTINGS = 'page_partitions = 2\ntasks = ["listeners", "cards"]\n'


class Cluster(NamedTuple):
    """A broker for all tests, each of which has other topics; the first on Apache Kafka has those of the table."""

    bootstrap: str
    topics: Iterator[str]


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.kafka] * (name == "jars")) for name in BACKENDS]
)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    plain = [""] if request.param == "jars" else []
    with BACKENDS[request.param]() as started:
        yield Cluster(started.bootstrap, chain(plain, map(RENAMED.format, count(1))))


@pytest.fixture
def config(cluster: Cluster, tmp_path: Path) -> Path:
    """The file with the settings of a team whose topics are there, before they grow."""
    file = tmp_path / "settings.toml"
    file.write_text(f'broker = "{cluster.bootstrap}"\n{SETTINGS}{next(cluster.topics)}')
    ensure(load(file), cluster.bootstrap)
    return file


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)
