"""Library for services that show pages: the newest ranking of each listener, and the experiments she is in."""

from streams.subscribers.asynchronous import AsyncExperimentSubscriber, AsyncRankingSubscriber
from streams.subscribers.ranking_table import Found, RankingTable
from streams.subscribers.script import run_script
from streams.subscribers.synchronous import ExperimentSubscriber, RankingSubscriber
from streams.subscribers.topic_missing import TopicMissingError

__all__ = [
    "AsyncExperimentSubscriber",
    "AsyncRankingSubscriber",
    "ExperimentSubscriber",
    "Found",
    "RankingSubscriber",
    "RankingTable",
    "TopicMissingError",
    "run_script",
]
