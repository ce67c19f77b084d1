"""What a variant does: its listeners' pages are those of a worker that has the variant's settings for everybody."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from processors.experiments.assignment import Schedule
from processors.experiments.overriding import overridden, refuse_unless_rankable
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from schemas.experiments import BUCKETS, DAY_MS, ExperimentDefinition, Overrides, assigned
from schemas.rankings import ShelfRanking
from tests.builders import card, experiment, stream_end
from tests.tasks.test_crediting import blocks

USERS = [f"u{number}" for number in range(60)]
RANKING = RankingSettings(slots_max=4, epsilon=0.25, surfaces={"search": SurfaceSettings(reward="static")})
HALF, OTHER = range(BUCKETS // 2), range(BUCKETS // 2, BUCKETS)
STATIC = Overrides(reward="static", policy="greedy")
DEFINED = {
    "rank": experiment("rank", buckets={"a": HALF[:400], "b": OTHER}, overrides={"b": STATIC}, ends_ms=DAY_MS),
    "page": experiment(
        "page", buckets={"x": HALF, "y": OTHER}, layer="page", overrides={"y": Overrides(epsilon=0.5, diversity=0.3)}
    ),
}
"""In the layer of `rank`, a tenth is in no variant."""


def ranked(ranking: RankingSettings, *definitions: ExperimentDefinition, at: int = 90) -> dict[str, ShelfRanking]:
    """The rankings of all users for the home page and the search page, by key."""
    core = Listeners(ListenersSettings(ranking=ranking, rewards=("static", "mean")), source="listeners/0")
    for number in range(8):
        core.learned.put_card(f"c{number}", card(f"c{number}", shelves=("jazz", "pop")[: 1 + number % 2]))
    core.learned.put_co_clusters(blocks(60, 3_000))
    for one in definitions:
        core.definitions.put(one.name, one)
    plays = [stream_end(event_id=f"s{n}", user_id=USERS[n % 60], card_id=f"c{n % 7}", event_ms=at) for n in range(90)]
    core.stream_ends(list(enumerate(plays)))
    return {one.key: one for one in core.conclude().everything() if isinstance(one, ShelfRanking)}


def arms(user_id: str, at: int = 90) -> dict[str, str]:
    return {arm.experiment: arm.variant for arm in Schedule(DEFINED).plan("home", at).arms_of(user_id)}


def without(ranking: ShelfRanking) -> ShelfRanking:
    return replace(ranking, assignments="")


def test_each_listener_is_ranked_by_her_variants_byte_for_byte() -> None:
    found = ranked(RANKING, *DEFINED.values())
    by_settings: dict[str, dict[str, ShelfRanking]] = {}
    for user in USERS:
        own = arms(user)
        overrides = [
            variant.overrides for name in sorted(own) for variant in DEFINED[name].variants if variant.name == own[name]
        ]
        home = overridden(next(RANKING.by_surface()), overrides)
        expected = by_settings.setdefault(repr(home), ranked(replace(home, surfaces=RANKING.surfaces)))
        assert without(found[user]) == expected[user]
        assert assigned(found[user].assignments) == own
    assert {one.policy_version for one in found.values()} == {"greedy", "epsilon-greedy-0.25", "epsilon-greedy-0.5"}
    assert len({tuple(sorted(arms(user).items())) for user in USERS}) == 6


def test_other_surfaces_and_times_are_as_without_experiments() -> None:
    plain, found = ranked(RANKING), ranked(RANKING, *DEFINED.values())
    assert all(found[f"{user}@search"] == plain[f"{user}@search"] for user in USERS)
    at = DAY_MS + 1
    ended, plain = ranked(RANKING, DEFINED["rank"], at=at), ranked(RANKING, at=at)
    assert ended == plain


def test_logged_propensities_are_those_of_the_variants_policy() -> None:
    """Greedy pages are certain; those of the control have the probabilities of epsilon-greedy."""
    found = ranked(RANKING, DEFINED["rank"])
    for user in USERS:
        shown = np.array([p for shelf in found[user].shelves for p in shelf.propensities])
        if arms(user).get("rank") == "b":
            assert (shown == 1.0).all()
        else:
            assert (shown < 1.0).all()
            assert found[user].reward_version == "mean"


@pytest.mark.parametrize(
    ("overrides", "surfaces", "why"),
    [
        (Overrides(reward="median"), ("home",), "variant b ranks by median, of which no statistics are kept"),
        (Overrides(reward="best"), ("home",), "variant b: no reward is named"),
        (Overrides(policy="best"), ("home",), "variant b: no policy is named 'best'"),
        (Overrides(), ("home", "tv"), "no ranking is made for the surface 'tv': there are home, search"),
    ],
)
def test_what_cannot_be_ranked_is_named_and_left_out(overrides: Overrides, surfaces: Sequence[str], why: str) -> None:
    settings: dict[str, Any] = {"surfaces": tuple(surfaces)}
    wrong = experiment("wrong", buckets={"a": HALF, "b": OTHER}, overrides={"b": overrides}, **settings)
    with pytest.raises(ValueError, match=why):
        refuse_unless_rankable(wrong, RANKING, ("static", "mean"))
    assert ranked(RANKING, wrong) == ranked(RANKING)


def test_draws_of_listeners_do_not_depend_on_their_variant() -> None:
    """The key of a draw is the listener's and the ranking's, so an A/A test shows what nobody would have changed."""
    same = experiment("aa", buckets={"a": HALF, "b": OTHER})
    plain, found = ranked(RANKING), ranked(RANKING, same)
    assert {key: without(one) for key, one in found.items()} == plain


def test_what_a_variant_may_change_are_settings_of_rankings() -> None:
    assert set(Overrides.__struct_fields__) < set(RankingSettings.__struct_fields__)
