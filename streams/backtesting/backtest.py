"""A backtest: the same events under two configurations, compared pairwise."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from processors.leaderboard.candidate import Candidate
from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from schemas.fields import EVENT_MS_MAX
from streams.backtesting.comparing import CANDIDATE, LIVE, changed_count, outcome_differences, policy_values
from streams.backtesting.in_process import InProcess
from streams.backtesting.replayed import Line, Told, replay
from streams.pinned_model import PinnedModel
from streams.settings import Settings

EVERYBODY = LeaderboardSettings(share=1.0, pages_max=10**9, candidates=("none",))


def pipeline_of(settings: Settings, title: str, pinned: PinnedModel | None = None) -> InProcess:
    """The pipeline under these settings, weighing every page by its own ranking, under this title."""
    pipeline = InProcess(
        settings.model_copy(update={"leaderboard": EVERYBODY}), partitions=settings.page_partitions, pinned=pinned
    )
    for listeners in pipeline.partitions:
        own = next(settings.listeners.ranking.by_surface())
        listeners.shadow.rank_by([Candidate(own, title)])
    return pipeline


def backtest(
    lines: Iterable[Line],
    live: Settings,
    candidate: Settings,
    *,
    pinned: PinnedModel | None = None,
    from_ms: int = 0,
    to_ms: int = EVENT_MS_MAX,
) -> dict[str, Any]:
    """Replay events under both settings; pages shown from `from_ms` until before `to_ms` are compared.

    Earlier events are replayed too: listeners, groups and statistics are what they were by then.
    """
    own, other = replay(lines, [pipeline_of(live, LIVE, pinned), pipeline_of(candidate, CANDIDATE, pinned)])
    return compared(own, other, lambda shown_ms: from_ms <= shown_ms < to_ms)


def compared(live: Told, candidate: Told, is_counted: Callable[[int], bool]) -> dict[str, Any]:
    """The comparison of two runs, for JSON."""
    differences = outcome_differences(live, candidate, is_counted)
    return {
        "outcomes": {LIVE: len(live.settled), CANDIDATE: len(candidate.settled)},
        "corrections": {LIVE: len(live.corrected), CANDIDATE: len(candidate.corrected)},
        "outcomes_changed": changed_count(live, candidate),
        "settlement": {name: one._asdict() for name, one in differences.items()},
        "ranking": msgspec.to_builtins(policy_values(live, candidate, is_counted)),
    }
