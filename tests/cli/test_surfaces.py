"""Rewards and policies by surface: from a file or the environment to the rankings that a subscriber reads."""

from pathlib import Path

import pytest

from processors.rewards.reward_catalogue import REWARD_NAMES
from schemas.codec import encode
from schemas.rankings import ShelfRanking
from streams.settings import ConfigurationError, load
from streams.subscribers.ranking_table import RankingTable
from streams.tasks.routing import key_of

FILE = """
rewards = ["static", "mean:users", "median"]
reward_half_life_ms = 86400000

[ranking]
reward = "median"
diversity = 0.2

[ranking.surfaces.search]
reward = "static"
policy = "thompson"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "shelfwise.toml"
    path.write_text(text)
    return path


def test_every_surface_has_the_reward_and_the_policy_that_a_file_gives_it(tmp_path: Path) -> None:
    settings = load(written(tmp_path, FILE))
    found = [(one.surface, one.reward, one.policy, one.diversity) for one in settings.ranking.by_surface()]
    assert found == [("home", "median", "epsilon-greedy", 0.2), ("search", "static", "thompson", 0.2)]
    assert (settings.reward_names, settings.reward_half_life_ms) == (("static", "mean:users", "median"), 86_400_000)


def test_all_means_every_reward_at_every_grouping(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'rewards = ["all"]')).reward_names == REWARD_NAMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rewards = ["clicks"]', "no reward is named 'clicks'"),
        ('[ranking.surfaces.search]\nreward = "median:none"', "search ranks by 'median:none'"),
        ('[ranking.surfaces.search]\npolicy = "best"', "no policy is named 'best'"),
        ("[ranking]\ndraws = 0", "at least one"),
        ("[ranking]\ndiversity = 2.0", "diversity"),
    ],
)
def test_what_cannot_be_is_refused_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        load(written(tmp_path, text))
    assert "\n" not in str(raised.value)


def ranking(surface: str, number: int) -> ShelfRanking:
    return ShelfRanking(
        user_id="u1",
        ranking_number=number,
        event_ms=number,
        shelves=(),
        policy_version="uniform",
        reward_version="static",
        model_version="0.0",
        draw_key=0,
        surface=surface,
    )


def test_a_subscriber_reads_one_surface() -> None:
    records = [(key_of(one), encode(one)) for one in (ranking("home", 3), ranking("search", 2))]
    assert [key for key, _ in records] == [b"u1", b"u1@search"]
    for surface, number in (("home", 3), ("search", 2)):
        table = RankingTable(surface)
        for key, value in records:
            table.put(key, value)
        found = table.get("u1")
        assert found is not None
        assert (found.ranking.surface, found.ranking.ranking_number) == (surface, number)
        table.put(b"u1@search", None)
        assert (table.get("u1") is None) == (surface == "search"), "a tombstone is of one surface"
