"""`shelfwise leaderboard` on a broker: values, why some are withheld, and what is worth an A/B test."""

import asyncio
import json

import pytest

from schemas.codec import encode
from schemas.policy_values import PolicyValue
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run
from streams.publishing import Publisher
from tests.leaderboard.told_values import told

BETTER = told(candidate="mean:users/greedy", difference_low_anytime=0.005, difference_high_anytime=0.02,
              is_worth_testing=True, value=0.25)  # fmt: skip
WORSE = told(candidate="mean/uniform", difference_low_anytime=-0.03, difference_high_anytime=-0.02, value=0.18)
WITHHELD = told(withheld="effective sample 12.0 of 150 is below 100: log more, or use a closer target")


def test_values_are_told_by_rank_and_withdrawn_ones_are_gone(capsys: pytest.CaptureFixture[str]) -> None:
    async def publish(bootstrap: str, *values: PolicyValue) -> None:
        async with Publisher(bootstrap) as publisher:
            for value in values:
                await publisher.publish("policy-values", value.key, encode(value))
            await publisher.publish("policy-values", told(candidate="gone/greedy").key, None)

    with EmbeddedBroker() as broker:
        at = ["--broker", broker.bootstrap]
        assert run(["topics", "apply", *at]) == 0
        assert run(["leaderboard", *at]) == 1
        assert "no values yet" in capsys.readouterr().err
        asyncio.run(publish(broker.bootstrap, told(candidate="gone/greedy"), WORSE, WITHHELD, BETTER))
        assert run(["leaderboard", *at]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines[2:]] == [BETTER.candidate, WORSE.candidate, WITHHELD.candidate]
        for line, said in zip(
            lines[2:], ("worth an A/B test", "worse than the incumbent", "withheld: effective"), strict=True
        ):
            assert said in line
        assert "0.2000" not in lines[4], "a withheld value is not told"
        assert run(["leaderboard", "--json", *at]) == 0
        values = json.loads(capsys.readouterr().out)["values"]
        assert {value["candidate"]: value["value"] for value in values}[WITHHELD.candidate] is None
        assert run(["leaderboard", "--yardstick", "clicks", *at]) == 2
        assert "no yardstick is named 'clicks'" in capsys.readouterr().err
