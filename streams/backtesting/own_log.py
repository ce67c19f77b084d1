"""Values of the configured candidates on our own log."""

import asyncio
from collections.abc import Iterable

from msgspec.structs import replace

from processors.leaderboard.standings import Leaderboard
from schemas.codec import decode
from schemas.policy_values import PolicyValue
from streams.auditing.reading import read_committed
from streams.backtesting.in_process import InProcess
from streams.backtesting.replayed import Line, replay
from streams.connections import aiokafka_options
from streams.settings import Settings


def values_of_events(lines: Iterable[Line], settings: Settings) -> list[PolicyValue]:
    """Replay events, weigh every page, and value the candidates."""
    everybody = replace(settings.leaderboard, share=1.0, pages_max=10**9)
    pipeline = InProcess(settings.model_copy(update={"leaderboard": everybody}), settings.page_partitions)
    replay(lines, [pipeline])
    return pipeline.leaderboard.values() if pipeline.leaderboard.evidence_count else []


def values_of_evidence(settings: Settings, bootstrap: str) -> list[PolicyValue]:
    """Value the candidates by all weighed pages that a cluster still keeps."""
    options = aiokafka_options(settings, bootstrap)
    del options["bootstrap_servers"]
    board = Leaderboard()
    records = asyncio.run(read_committed(bootstrap, "policy-evidence", options))
    board.take(decode("policy-evidence", value) for _, value in records if value is not None)
    return board.values() if board.evidence_count else []
