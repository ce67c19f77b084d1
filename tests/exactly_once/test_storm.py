"""Workers are killed at random moments, and the books balance."""

import asyncio

from streams.harness.interface import KafkaHarness
from tests.exactly_once.brokers import fresh_prefix
from tests.exactly_once.storm import Storm


def test_kill_nine_at_any_moment_changes_nothing(broker: KafkaHarness) -> None:
    storm = Storm(broker, fresh_prefix(), seed=20, seconds=12, rate=2000)
    outcome = asyncio.run(storm.run())
    assert outcome.kills >= 3
    assert outcome.account.balanced, outcome
    assert outcome.deaths == 0, storm.last_words()
