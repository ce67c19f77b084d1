"""Candidates are read from settings, and refused with the reason."""

import pytest

from processors.leaderboard.candidate import candidates_of
from processors.leaderboard.leaderboard_settings import CANDIDATES_MAX, LeaderboardSettings
from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from processors.rewards.reward_catalogue import COMPARED
from streams.settings import ConfigurationError, load


def names(*written: str, ranking: RankingSettings | None = None, rewards: tuple[str, ...] = COMPARED) -> list[str]:
    chosen = LeaderboardSettings(candidates=written)
    return [one.name for one in candidates_of(chosen, ranking or RankingSettings(), rewards)]


def test_the_incumbent_is_first_and_nobody_comes_twice() -> None:
    assert names("mean epsilon-greedy", "static greedy", "static greedy") == [
        "mean/epsilon-greedy-0.1",
        "static/greedy",
    ]
    assert names("none") == ["mean/epsilon-greedy-0.1"]


def test_defaults_compare_the_rewards_that_are_kept() -> None:
    assert len(names()) == 8
    assert names(rewards=("mean",)) == ["mean/epsilon-greedy-0.1", "mean/greedy", "mean/uniform"]


def test_the_incumbent_is_that_of_the_home_page() -> None:
    ranking = RankingSettings(reward="static", surface="top", surfaces={"top": SurfaceSettings(policy="greedy")})
    assert names("none", ranking=ranking) == ["static/greedy"]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("mean", "write REWARD POLICY"),
        ("mean greedy 0.1 twice", "write REWARD POLICY"),
        ("clicks greedy", "no reward is named 'clicks'"),
        ("median:users greedy", "must be one of rewards"),
        ("mean best", "no policy is named 'best'"),
        ("mean epsilon-greedy much", "'much' is not a number"),
        ("mean epsilon-greedy nan", "epsilon must be from 0 to 1"),
        ("mean epsilon-greedy 2", "epsilon must be from 0 to 1"),
    ],
)
def test_a_wrong_candidate_is_named(written: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        names(written)


def test_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="at most"):
        LeaderboardSettings(candidates=("mean greedy",) * (CANDIDATES_MAX + 1))


def test_in_the_environment_a_list_is_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWISE_LEADERBOARD__CANDIDATES", "static greedy, mean uniform")
    monkeypatch.setenv("SHELFWISE_COCLUSTERS__RING", "16")
    assert load().leaderboard.candidates == ("static greedy", "mean uniform")
    monkeypatch.setenv("SHELFWISE_LEADERBOARD__CANDIDATES", "clicks greedy")
    with pytest.raises(ConfigurationError, match=r"leaderboard\.candidates: no reward is named 'clicks'"):
        load()
