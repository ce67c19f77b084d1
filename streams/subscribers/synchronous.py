"""Subscribes to shelf rankings, and to experiments, without an event loop."""

from typing import Any

from schemas.rankings import HOME
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.subscribers import experiment_table, ranking_table
from streams.subscribers.experiment_table import ExperimentTable
from streams.subscribers.polled_topic import TopicReader
from streams.subscribers.ranking_table import Found, RankingTable


class RankingSubscriber(TopicReader):
    """Reads the compacted topic from its beginning, with each call of `poll`; committed records only.

    `options` are kafka-python's own; `streams.connections.kafka_python_options` derives them from settings (TLS, SASL).
    While a broker is unavailable `poll` returns nothing, `get` keeps answering, `behind_count` tells how current it is.

        with RankingSubscriber("127.0.0.1:9092") as subscriber:
            while not subscriber.is_caught_up:
                subscriber.poll()
            page = subscriber.get("u1")
    """

    def __init__(self, bootstrap: str, *, surface: str = HOME, **options: Any) -> None:
        super().__init__(bootstrap, ranking_table.TOPIC, **options)
        self.table = RankingTable(surface)

    def poll(self, timeout_ms: int = 200) -> list[str]:
        """Read new records; returns the users with new rankings, once per ranking."""
        return [self.table.user_of(key) for key, value in self.records(timeout_ms) if self.table.put(key, value)]

    def get(self, user_id: str, *, user_group: int | None = None) -> Found | None:
        """The ranking to show to this listener now."""
        return self.table.get(user_id, user_group=user_group)


class ExperimentSubscriber(TopicReader):
    """Reads the definitions of experiments, with each call of `poll`: who is in which variant, as the worker assigns.

    with ExperimentSubscriber("127.0.0.1:9092") as experiments:
        while not experiments.is_caught_up:
            experiments.poll()
        variant = experiments.variants("u1").get("new-layout")
    """

    def __init__(self, bootstrap: str, **options: Any) -> None:
        super().__init__(bootstrap, experiment_table.TOPIC, **options)
        self.table = ExperimentTable()

    def poll(self, timeout_ms: int = 200) -> None:
        """Read new definitions."""
        for key, value in self.records(timeout_ms):
            self.table.put(key, value)

    def variants(self, user_id: str, *, surface: str = HOME, event_ms: int | None = None) -> dict[str, str]:
        """The listener's variant of each experiment that runs on a surface, now or at `event_ms`."""
        at_ms = wall_clock_ms() if event_ms is None else event_ms
        return self.table.variants(user_id, event_ms=at_ms, surface=surface)
