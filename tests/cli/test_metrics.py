"""`shelfwise metrics` and `shelfwise experiments results` on a broker: tables and JSON of what the task publishes."""

import asyncio
import json
from collections.abc import Sequence

import numpy as np
import pytest
from msgspec import Struct

from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from schemas.codec import encode
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.publishing import Publisher
from streams.tasks.routing import key_of, topic_of
from tests.builders import experiment
from tests.metrics.told_signals import Told, signals

HOUR = 3_600_000


def messages() -> Sequence[Struct]:
    """A day of an experiment whose treatment is better, and the hour of the next day."""
    rng = np.random.default_rng(3)
    streamed = rng.binomial(8, np.repeat([0.2, 0.35], 600))
    rows = [
        Told(f"u{n}", variant="control", assignments=f"e/{'ab'[n // 600]}", exposures=8, played=int(s), streamed=int(s))
        for n, s in enumerate(streamed.tolist())
    ]
    metrics = Metrics(MetricsSettings(enabled=True))
    metrics.put_definition(experiment("e", buckets={"a": range(500), "b": range(500, 1_000)}))
    metrics.take([signals([*rows, Told("u0", window_ms=24 * HOUR)], settled_ms=24 * HOUR)])
    return metrics.publish().messages


def test_metrics_and_results_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    async def publish(bootstrap: str) -> None:
        async with Publisher(bootstrap) as publisher:
            for message in messages():
                await publisher.publish(topic_of(type(message)), key_of(message).decode(), encode(message))
            await publisher.flush()

    with EmbeddedBroker() as broker:
        at = ["--broker", broker.bootstrap]
        assert run(["topics", "apply", *at]) == 0
        assert run(["metrics", *at]) == 1
        assert "[metrics] enabled" in capsys.readouterr().err
        assert run(["experiments", "results", "e", *at]) == 1
        assert "no decision on 'e'" in capsys.readouterr().err
        asyncio.run(publish(broker.bootstrap))
        capsys.readouterr()
        assert run(["metrics", *at]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[3:6] for line in lines[1:]] == [
            ["all", "all", "1,200"],
            ["home", "all", "all"],
            ["control", "all", "1,200"],
            ["home", "default", "all"],
            ["e/a", "all", "600"],
            ["e/b", "all", "600"],
        ]
        assert "*0." in lines[1]
        assert run(["metrics", "--by", "window", "--groups", "--surface", "home", "--json", *at]) == 0
        told = json.loads(capsys.readouterr().out)
        assert {one["kind"] for one in told["windows"]} == {"window"}
        assert {one["user_group"] for one in told["windows"]} == {-1, 0}
        assert told["alarms"] == []
        assert run(["metrics", "--metric", "fun", *at]) == 2
        assert "no metric is named 'fun'" in capsys.readouterr().err
        assert run(["experiments", "results", "e", *at]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("e: continue (a 600, b 600 listeners): fewer than 1000 listeners in a, b")
        assert any(line.startswith("b        stream-rate") and "goal" in line for line in lines)
        assert run(["experiments", "results", "e", "--json", *at]) == 0
        decision = json.loads(capsys.readouterr().out)
        goal = next(one for one in decision["differences"] if one["role"] == "goal")
        assert goal["low"] > 0.0
