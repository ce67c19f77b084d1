"""Pages: valid cards only, in order, explained, and the same for a listener whoever is ranked beside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.play_columns import Play
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from schemas.codec import encode
from schemas.learning import CardGroup, CardStatistics, CoClusters, RewardSums
from schemas.rankings import RankedShelf, ShelfRanking
from tests.builders import card

CARDS = 12


def learned() -> Learned:
    known = Learned(("static", "mean"))
    for number in range(CARDS):
        shelves = ("jazz",) if number % 2 else ("sleep", "jazz")
        known.put_card(f"c{number}", card(f"c{number}", shelves=shelves))
    known.put_co_clusters(
        CoClusters(
            generation=1,
            version=4,
            event_ms=0,
            user_prior=(0.5, 0.5),
            card_prior=(0.5, 0.5),
            mean=((4.0, 7.0), (7.0, 4.0)),
            variance=((1.0, 1.0), (1.0, 1.0)),
            count=((10.0, 10.0), (10.0, 10.0)),
            global_mean=5.5,
            global_variance=2.0,
        )
    )
    for number in range(CARDS):
        group = number % 2
        logits = (0.0, -8.0) if group == 0 else (-8.0, 0.0)
        known.put_card_group(CardGroup(card_id=f"c{number}", generation=1, version=1, logits=logits, group=group))
        earned = (float(number), float(CARDS - number))
        known.put_statistics(
            CardStatistics(
                card_id=f"c{number}",
                generation=1,
                version=1,
                updated_ms=0,
                exposures=(100.0, 100.0),
                rewards={name: RewardSums(total=earned, squares=earned) for name in ("static", "mean")},
            )
        )
    return known


def request(user_id: str = "u1", number: int = 1, plays: tuple[Play, ...] = (), event_ms: int = 5) -> RankingRequest:
    sources = {"impressions": 3}
    return RankingRequest(user_id=user_id, ranking_number=number, event_ms=event_ms, plays=plays, sources=sources)


def maker(policy: str = "epsilon-greedy", **settings: Any) -> PageMaker:
    return PageMaker.of(RankingSettings(**{"policy": policy, "epsilon": 0.2, "deduplicate": False, **settings}))


def test_only_valid_cards_stand_in_a_shelf() -> None:
    (page,) = maker("uniform").rank(learned(), [request()])
    for shelf in page.shelves:
        assert all(
            name in {f"c{n}" for n in range(0, CARDS, 1 if shelf.shelf_id == "jazz" else 2)} for name in shelf.cards
        )


def test_greedy_shelves_are_in_the_order_of_their_scores() -> None:
    (page,) = maker("greedy").rank(learned(), [request()])
    assert [shelf.score for shelf in page.shelves] == sorted((s.score for s in page.shelves), reverse=True)
    for shelf in page.shelves:
        assert list(shelf.scores) == sorted(shelf.scores, reverse=True)
        assert set(shelf.propensities) == {1.0}


def test_a_listener_of_the_other_group_gets_the_other_order() -> None:
    of_group_0 = (Play(1, "a", "c0", 55_000), Play(2, "b", "c1", 1_100_000))
    of_group_1 = (Play(1, "a", "c0", 1_100_000), Play(2, "b", "c1", 55_000))
    first, second = maker("greedy", own_weight=0.0).rank(
        learned(), [request("u1", plays=of_group_0), request("u2", plays=of_group_1)]
    )
    assert np.argmax(first.user_weights) == 0
    assert np.argmax(second.user_weights) == 1
    assert top(first, "jazz") == "c11"
    assert top(second, "jazz") == "c0"


def top(page: ShelfRanking, shelf_id: str) -> str:
    return next(shelf.cards[0] for shelf in page.shelves if shelf.shelf_id == shelf_id)


def test_own_successful_streams_raise_a_card_and_say_so() -> None:
    often = tuple(Play(n, f"s{n}", "c6", 3_600_000) for n in range(5))
    plain, loved = maker("greedy").rank(learned(), [request("u1"), request("u1", plays=often)])
    position = {name: n for n, name in enumerate(shelf_named(loved, "jazz").cards)}
    assert position["c6"] < {name: n for n, name in enumerate(shelf_named(plain, "jazz").cards)}.get("c6", 99)
    index = shelf_named(loved, "jazz").cards.index("c6")
    reasons = (shelf_named(loved, "jazz").reasons[index], shelf_named(loved, "jazz").second_reasons[index])
    assert "own_streams" in reasons
    assert loved.discovery_share < plain.discovery_share == 1.0


def shelf_named(page: ShelfRanking, shelf_id: str) -> RankedShelf:
    return next(shelf for shelf in page.shelves if shelf.shelf_id == shelf_id)


def test_reasons_add_up_to_the_score() -> None:
    known = learned()
    (page,) = maker("greedy", own_weight=0.0).rank(known, [request()])
    overall = known.posterior("mean").overall
    for shelf in page.shelves:
        for score, *parts in zip(shelf.scores, shelf.reason_values, shelf.second_values, strict=True):
            assert score == pytest.approx(overall + sum(parts), abs=1e-5)


def test_a_shuffled_shelf_says_that_it_explores() -> None:
    pages = maker().rank(learned(), [request(f"u{n}") for n in range(200)])
    shuffled = [s for page in pages for s in page.shelves if set(s.reasons) == {"exploration"}]
    assert 0.1 < len(shuffled) / (2 * len(pages)) < 0.3
    assert {value for shelf in shuffled for value in shelf.reason_values} == {0.2}


def test_a_ranking_writes_down_what_it_was_made_from() -> None:
    (page,) = maker().rank(learned(), [request(number=9)])
    assert (page.model_version, page.reward_version, page.policy_version) == ("1.4", "mean", "epsilon-greedy-0.2")
    assert (page.ranking_number, page.sources) == (9, {"impressions": 3})


def test_no_catalogue_no_ranking() -> None:
    assert maker().rank(Learned(("static", "mean")), [request()]) == []


def test_a_withdrawn_card_is_not_ranked() -> None:
    known = learned()
    known.put_card("c0", None)
    pages = maker("uniform").rank(known, [request(f"u{n}") for n in range(50)])
    assert not any("c0" in shelf.cards for page in pages for shelf in page.shelves)


plays = st.lists(
    st.builds(
        Play,
        st.integers(0, 9),
        st.uuids().map(str),
        st.sampled_from([f"c{n}" for n in range(15)]),
        st.integers(0, 10**7),
    ),
    max_size=6,
)


@given(st.lists(plays, min_size=1, max_size=9), st.integers(0, 2**40))
def test_a_ranking_does_not_depend_on_who_is_ranked_beside(histories: list[list[Play]], number: int) -> None:
    known, pages = learned(), maker()
    requests = [request(f"u{n}", number, tuple(sorted(some))) for n, some in enumerate(histories)]
    together = [encode(page) for page in pages.rank(known, requests)]
    assert together == [encode(pages.rank(known, [one])[0]) for one in requests]


def test_what_is_ahead_of_the_co_clusters_waits_for_them() -> None:
    late, early = learned(), Learned(("static", "mean"))
    for number in range(CARDS):
        early.put_card(f"c{number}", late.catalogue.cards[f"c{number}"])
        early.put_statistics(late.statistics.message(f"c{number}"))
        logits = (0.0, -8.0) if number % 2 == 0 else (-8.0, 0.0)
        early.put_card_group(CardGroup(card_id=f"c{number}", generation=1, version=1, logits=logits, group=number % 2))
    early.put_co_clusters(
        CoClusters(
            generation=1,
            version=4,
            event_ms=0,
            user_prior=(0.5, 0.5),
            card_prior=(0.5, 0.5),
            mean=((4.0, 7.0), (7.0, 4.0)),
            variance=((1.0, 1.0), (1.0, 1.0)),
            count=((10.0, 10.0), (10.0, 10.0)),
            global_mean=5.5,
            global_variance=2.0,
        )
    )
    assert maker().rank(early, [request()]) == maker().rank(late, [request()])
