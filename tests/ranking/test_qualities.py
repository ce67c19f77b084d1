"""Qualities of a page besides expected reward: no card twice, variety, freshness, discovery; propensities hold."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.deduplication import dealt
from processors.ranking.discovery import with_room
from processors.ranking.diversity import diversified
from processors.ranking.play_columns import Play
from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from processors.settlement.settings import SettlementSettings
from schemas.monitoring import EngagementSums
from schemas.rankings import ShelfRanking
from tests.builders import card, impression, stream_end
from tests.ranking.test_pages import CARDS, learned, maker, request, shelf_named

DAY_MS = 86_400_000
millionths = st.integers(0, 10**6).map(lambda number: number / 1e6)  # as scores are
OF_GROUP_0 = (Play(1, "a", "c0", 55_000), Play(2, "b", "c1", 1_100_000))


def test_deduplicated_no_card_stands_twice_on_a_page() -> None:
    pages = maker("uniform", deduplicate=True).rank(learned(), [request(f"u{n}") for n in range(50)])
    for page in pages:
        cards = [name for shelf in page.shelves for name in shelf.cards]
        assert len(cards) == len(set(cards)) == CARDS
        assert {shelf.shelf_id for shelf in page.shelves} == {"jazz", "sleep"}, "no shelf runs dry"


catalogues = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.lists(st.sampled_from("wxyz"), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=20,
)


@given(catalogues)
def test_every_card_is_dealt_to_one_of_its_shelves_whatever_the_order_of_arrival(
    valid: dict[str, tuple[str, ...]],
) -> None:
    chosen = dealt(valid)
    assert all(len(shelves) == 1 and shelves[0] in valid[name] for name, shelves in chosen.items())
    assert dealt(dict(reversed(valid.items()))) == chosen


@given(st.sets(st.text("abc", min_size=1), min_size=1, max_size=20))
def test_cards_that_are_valid_everywhere_are_dealt_evenly(names: set[str]) -> None:
    sizes = Counter(shelf for (shelf,) in dealt(dict.fromkeys(names, tuple("wxyz"))).values())
    assert max(sizes.values()) - min(sizes[shelf] for shelf in "wxyz") <= 1


def test_frequencies_over_deduplicated_pages_are_the_logged_propensities() -> None:
    maker_of_pages = maker("epsilon-greedy", deduplicate=True, epsilon=0.5)
    pages = maker_of_pages.rank(learned(), [request(f"u{n}") for n in range(20_000)])
    shelves = [shelf_named(page, "jazz") for page in pages]
    logged = {name: p for shelf in shelves for name, p in zip(shelf.cards[:1], shelf.propensities[:1], strict=True)}
    assert sum(logged.values()) == pytest.approx(1.0)
    seen = Counter(shelf.cards[0] for shelf in shelves)
    assert chisquare([seen[name] for name in logged], [len(pages) * p for p in logged.values()]).pvalue > 1e-4


def test_diversity_brings_the_other_card_group_forward() -> None:
    known = learned()
    plain, varied = (maker("greedy", diversity=share).rank(known, [request()])[0] for share in (0.0, 0.6))
    groups = [[int(name[1:]) % 2 for name in shelf_named(page, "jazz").cards[:4]] for page in (plain, varied)]
    assert len(set(groups[1][:2])) == 2, "the first two are of different groups"
    assert sum(a != b for a, b in zip(groups[1], groups[1][1:], strict=False)) >= 2
    best = dict(zip(shelf_named(plain, "jazz").cards, shelf_named(plain, "jazz").scores, strict=True))
    for name, score in zip(shelf_named(varied, "jazz").cards, shelf_named(varied, "jazz").scores, strict=True):
        assert best.get(name, score) == score, "what is expected of a card does not change"


@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(0, 2)), min_size=1, max_size=12), st.floats(0.0, 1.0))
def test_the_best_card_of_each_group_keeps_its_score(items: list[tuple[float, int]], share: float) -> None:
    wanted = np.array([[score for score, _ in items]])
    group = np.array([group for _, group in items])
    found = diversified(wanted, group, share)
    for one in np.unique(group):
        assert found[0, group == one].max() == wanted[0, group == one].max()
    assert (found <= wanted).all()


def test_a_fresh_card_rises_and_says_why_and_fades() -> None:
    known = learned()
    known.put_card("c5", card("c5", shelves=("jazz",), released_ms=10 * DAY_MS))
    settings = {"freshness": 1.0, "fresh_half_life_ms": DAY_MS, "own_weight": 0.0}
    new, old = (
        maker("greedy", **settings).rank(known, [request(plays=OF_GROUP_0, event_ms=event_ms)])[0]
        for event_ms in (10 * DAY_MS, 40 * DAY_MS)
    )
    shelves = [shelf_named(page, "jazz") for page in (new, old)]
    places = [shelf.cards.index("c5") for shelf in shelves]
    assert places[0] < places[1]
    assert shelves[0].scores[places[0]] == shelves[1].scores[places[1]], "freshness is no expected reward"
    reasons = dict(zip(*_reasons(shelves[0], places[0]), strict=True))
    assert reasons["fresh"] == pytest.approx(shelves[0].scores[places[0]], abs=1e-5)


def _reasons(shelf: object, place: int) -> tuple[tuple[str, str], tuple[float, float]]:
    names = (shelf.reasons[place], shelf.second_reasons[place])  # type: ignore[attr-defined]
    return names, (shelf.reason_values[place], shelf.second_values[place])  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_share_of_the_slots_is_kept_for_cards_that_the_listener_does_not_know(share: float) -> None:
    known = tuple(Play(n, f"s{n}", f"c{n}", 3_600_000) for n in range(6))
    (page,) = maker("greedy", discovery_share=share, slots_max=5).rank(learned(), [request(plays=known)])
    for shelf_id, unknown in (("jazz", 6), ("sleep", 3)):
        shelf = shelf_named(page, shelf_id)
        new = sum(int(name[1:]) >= 6 for name in shelf.cards)
        assert new >= min(unknown, round(share * len(shelf.cards) - 1e-9))
    streamed = [int(name[1:]) < 6 for shelf in page.shelves for name in shelf.cards]
    assert page.discovery_share == pytest.approx(1.0 - np.mean(streamed), abs=1e-6)


@given(st.lists(st.tuples(millionths, st.booleans()), min_size=1, max_size=10), st.floats(0.0, 1.0))
def test_discovery_keeps_the_order_among_the_known_and_among_the_new(
    items: list[tuple[float, bool]], share: float
) -> None:
    wanted = np.array([[score for score, _ in items]])
    streamed = np.array([[known for _, known in items]])
    found = with_room(wanted, streamed, 4, share)
    for side in (streamed, ~streamed):
        before, after = (np.argsort(-values[side], kind="stable").tolist() for values in (wanted, found))
        assert before == after


def test_what_the_listener_had_not_streamed_before_it_was_shown_counts_as_discovery() -> None:
    settlement = SettlementSettings(horizon_ms=100, attribution_ms=100, correction_ms=1_000, lateness_ms=50)
    core = Listeners(ListenersSettings(settlement=settlement), source="listeners/0")
    for name in ("c1", "c2"):
        core.learned.put_card(name, card(name))
    early = stream_end(event_id="s1", card_id="c1", started_ms=0, event_ms=10, played_ms=10)
    own = stream_end(event_id="s2", card_id="c2", started_ms=60, event_ms=70, played_ms=10)
    end = stream_end(event_id="s3", user_id="clock", started_ms=9_000, event_ms=9_000)
    shown = impression(event_ms=50, cards=("c1", "c2"))
    core.impressions([(0, shown), (1, impression(event_id="i9", user_id="clock", event_ms=9_000, cards=()))])
    core.stream_ends([(0, early), (1, own), (2, end)])
    sums = [m for m in core.conclude().everything() if isinstance(m, EngagementSums)]
    assert sum(sum(message.exposures) for message in sums) == 2.0
    assert sum(sum(message.discovered) for message in sums) == 1.0, "c2 was streamed only because it was shown"


def test_a_surface_has_its_own_metric_of_success_policy_and_ranking() -> None:
    ranking = RankingSettings(policy="greedy", surfaces={"search": SurfaceSettings(reward="static", policy="uniform")})
    core = Listeners(ListenersSettings(ranking=ranking), source="listeners/0", learned=learned())
    core.impressions([(0, impression(cards=("c1",)))])
    pages = [m for m in core.conclude().everything() if isinstance(m, ShelfRanking)]
    assert [(page.surface, page.reward_version, page.policy_version) for page in pages] == [
        ("home", "mean", "greedy"),
        ("search", "static", "uniform"),
    ]
    assert [page.key for page in pages] == ["u1", "u1@search"]
    assert pages[0].draw_key != pages[1].draw_key


@pytest.mark.parametrize("wrong", [{"diversity": 1.5}, {"discovery_share": -0.1}, {"freshness": -1.0}])
def test_settings_refuse_what_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RankingSettings(**wrong)  # type: ignore[arg-type]
