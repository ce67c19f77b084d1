"""The two example services work as they stand, at the same time, on one topic."""

import subprocess
import sys
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic

from streams.harness.embedded import EmbeddedKafka
from streams.subscribers.ranking_table import TOPIC
from tests.subscribers.conftest import DEADLINE_S, ranking, write

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def service(name: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, EXAMPLES / name, *arguments], stdout=subprocess.PIPE, text=True)


def test_two_services_show_the_same_rankings() -> None:
    with EmbeddedKafka() as kafka:
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.create_topics([NewTopic(TOPIC, num_partitions=2, replication_factor=1)])
        admin.close()
        write(kafka.bootstrap, [("u1", ranking("u1", 1)), ("u1", ranking("u1", 2))])
        page = service("page_service.py", kafka.bootstrap, "u1", "stranger")
        push = service("push_service.py", kafka.bootstrap)
        try:
            shown, _ = page.communicate(timeout=DEADLINE_S)
            assert shown.splitlines() == ["u1 own shelf-1:card-2", "stranger global shelf-1:card-2"]
            assert push.stdout is not None
            assert any("card-2" in line for line in push.stdout), "what stood there, first"
            write(kafka.bootstrap, [("u1", ranking("u1", 3))])
            assert any("card-3" in line for line in push.stdout), "and what comes"
        finally:
            for process in (page, push):
                process.kill()
                process.wait()


def test_an_example_is_as_short_as_the_readme_says() -> None:
    for path in EXAMPLES.glob("*.py"):
        code = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith('"""')]
        assert len(code) <= 13, f"{path.name} has {len(code)} lines"
