"""Library for services that show pages: the newest ranking of each listener, kept up to date."""

from streams.subscribers.asynchronous import AsyncRankingSubscriber
from streams.subscribers.ranking_table import Found, RankingTable, TopicMissingError
from streams.subscribers.script import run_script
from streams.subscribers.synchronous import RankingSubscriber

__all__ = ["AsyncRankingSubscriber", "Found", "RankingSubscriber", "RankingTable", "TopicMissingError", "run_script"]
