"""Topics for tests, made over the protocol so that any broker will do."""

import uuid
from collections.abc import Mapping

from tests.brokers.raw_client import RawClient


class TopicMaker:
    """Creates topics with names that no other test uses."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def __call__(self, partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        name = f"t-{uuid.uuid4().hex[:12]}"
        with RawClient(self._bootstrap) as raw:
            response = raw.ask(
                "CreateTopics",
                4,
                topics=[
                    {
                        "name": name,
                        "num_partitions": partitions,
                        "replication_factor": 1,
                        "assignments": [],
                        "configs": [{"name": key, "value": value} for key, value in (configs or {}).items()],
                    }
                ],
                timeout_ms=10_000,
                validate_only=False,
            )
            assert response.topics[0].error_code == 0, response
            raw.wait_for_topic(name, partitions)
        return name
