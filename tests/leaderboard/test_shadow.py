"""Pages in the shadow: weights are the candidates' probabilities, and depend on the events, not on cuts or crashes."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.leaderboard.shadow import Shadow
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.policies.epsilon_greedy import EpsilonGreedyPolicy
from processors.policies.order_mixture import draw
from processors.ranking.learned import Learned
from processors.ranking.play_columns import Play
from processors.ranking.ranking_settings import RankingSettings
from processors.ranking.scores import scores_of
from processors.ranking.shelves import ShelfMaker
from processors.rewards.reward_catalogue import reward_named
from processors.settlement.settings import SettlementSettings
from schemas.impressions import Impression, ShownShelf
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.policy_evidence import WEIGHT_UNITS, PagesWeighed, WeighedPage
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEnd
from tests.builders import card, impression, stream_end
from tests.settlement.test_settlement import PLACES, cut
from tests.tasks.test_cores import Kept
from tests.tasks.test_crediting import blocks

CARDS = tuple(f"c{number}" for number in range(6))
TIMES = SettlementSettings(lateness_ms=1_000, horizon_ms=5_000, correction_ms=30_000, plays_max=3)
REWARDS = ("static", "mean", "continuous")
ALL = ("static epsilon-greedy", "continuous greedy", "mean uniform", "mean thompson 0.2", "static ucb")


def settings_of(
    *candidates: str, share: float = 1.0, policy: str = "epsilon-greedy", pages_max: int = 100
) -> ListenersSettings:
    return ListenersSettings(
        settlement=TIMES,
        ranking=RankingSettings(policy=policy, slots_max=4, epsilon=0.25),
        rewards=REWARDS,
        leaderboard=LeaderboardSettings(share=share, candidates=candidates or ("none",), pages_max=pages_max),
    )


def listeners(chosen: ListenersSettings, learned: Learned | None = None) -> Listeners:
    core = Listeners(chosen, source="listeners/0", learned=learned)
    if learned is None:
        for number, card_id in enumerate(CARDS):
            core.learned.put_card(card_id, card(card_id, shelves=("jazz",) if number % 2 else ("jazz", "pop")))
        core.learned.put_co_clusters(blocks(60, 3_000))
    return core


def shown_from(ranking: ShelfRanking, event_id: str, event_ms: int, seen: int = 3) -> Impression:
    """The page of a ranking, with the first slots of every shelf seen."""
    shelves = tuple(
        ShownShelf(
            shelf_id=one.shelf_id,
            cards=one.cards,
            propensities=one.propensities,
            seen=tuple(range(min(seen, len(one.cards)))),
        )
        for one in ranking.shelves
    )
    return Impression(event_id=event_id, user_id=ranking.user_id, event_ms=event_ms, shelves=shelves)


def told(messages: Iterable[Struct]) -> list[tuple[tuple[str, ...], WeighedPage]]:
    return [(m.candidates, page) for m in messages if isinstance(m, PagesWeighed) for page in m.pages()]


def pass_time(core: Listeners, event_ms: int) -> list[Struct]:
    core.impressions([(0, impression(event_id=f"t{event_ms}", user_id="clock", event_ms=event_ms, cards=()))])
    core.stream_ends([(0, stream_end(event_id=f"t{event_ms}", user_id="clock", started_ms=0, event_ms=event_ms))])
    return list(core.conclude().everything())


@pytest.mark.parametrize("policy", ["epsilon-greedy", "uniform", "ucb", "greedy"])
def test_a_page_as_the_incumbent_ranks_it_has_weight_one_in_every_slot(policy: str) -> None:
    core = listeners(settings_of(policy=policy))
    plays = [stream_end(event_id=f"s{n}", user_id=f"u{n}", card_id=CARDS[n % 6], event_ms=90) for n in range(40)]
    core.stream_ends(list(enumerate(plays)))
    rankings = [m for m in core.conclude().everything() if isinstance(m, ShelfRanking)]
    assert len(rankings) == 40
    core.impressions([(0, shown_from(ranking, f"i-{ranking.user_id}", 100)) for ranking in rankings])
    core.conclude()
    pages = told(pass_time(core, 10_000))
    assert len(pages) == 40
    assert {weight for _, page in pages for weight in page.weights[0]} == {WEIGHT_UNITS}


def test_weights_of_all_candidates_are_their_probabilities_over_the_logged_ones() -> None:
    """The mean weight over pages that are drawn from the log's policy is one, slot by slot, for every candidate.

    So is that of pooled weights, which vary less.
    """
    core = listeners(settings_of(*ALL, policy="uniform", pages_max=8_000))
    rng = np.random.default_rng(7)
    pages = [
        impression(event_id=f"i{n}", user_id=f"u{n % 50}", event_ms=100 + n % 7, cards=_shuffled(rng), seen=(0, 1, 2))
        for n in range(4_000)
    ]
    core.impressions(list(enumerate(_with_shelf("jazz", pages))))
    core.conclude()
    found = told(pass_time(core, 10_000))
    assert len(found) == 4_000
    weights, pooled = (  # [pages, candidates, slots]
        np.array([getattr(page, kind) for _, page in found]) / WEIGHT_UNITS for kind in ("weights", "pooled")
    )
    assert found[0][0] == core.shadow.names
    for one in (weights, pooled):
        errors = np.maximum(one.std(axis=0) / np.sqrt(len(one)), 1e-9)
        assert (np.abs(one.mean(axis=0) - 1.0) < 4.5 * errors).all()
    assert (pooled.std(axis=0) <= weights.std(axis=0) + 1e-9).all()
    assert weights[:, 3].std() > 0.1  # the mixture of the draws of Thompson sampling is not uniform


def _shuffled(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(rng.permutation(CARDS).tolist())


def _with_shelf(shelf_id: str, pages: Sequence[Impression]) -> list[Impression]:
    return [replace(page, shelves=(replace(page.shelves[0], shelf_id=shelf_id),)) for page in pages]


def event(kind: str, at: int, seconds: int, user: str, which: int) -> Impression | StreamEnd:
    name = f"{kind}-{user}-{at}"
    if kind == "page":
        page = impression(event_id=name, user_id=user, event_ms=at, cards=CARDS[which % 3 : which % 3 + 3])
        return _with_shelf("jazz", [page])[0]
    return stream_end(
        event_id=name, user_id=user, card_id=CARDS[which % 6], started_ms=at, event_ms=at + 1, played_ms=1_000 * seconds
    )


HISTORIES = st.lists(
    st.builds(
        event,
        st.sampled_from(["page", "stream", "stream"]),
        st.integers(0, 9_000),
        st.sampled_from([1, 90, 3_000]),
        st.sampled_from(["ann", "bob", 'q"uote']),
        st.integers(0, 5),
    ),
    max_size=16,
    unique_by=lambda one: one.event_id,
)


def told_by(batches: Sequence[Sequence[Impression | StreamEnd]], *, restart: bool) -> list[object]:
    """What is told of each page, checked against its outcomes; the worker may die after every batch."""
    chosen = settings_of(*ALL)
    core, kept = listeners(chosen), Kept()
    learned, messages = core.learned, []
    for number, batch in enumerate((*batches, [])):
        core.impressions([(0, one) for one in batch if isinstance(one, Impression)])
        core.stream_ends([(0, one) for one in batch if isinstance(one, StreamEnd)])
        messages += core.conclude().everything()
        kept.keep(core.changed_rows())
        if restart:
            core = listeners(chosen, learned)
            core.restore(list(kept.rows.items()))
        if number == len(batches):
            messages += pass_time(core, 60_000)
    last: dict[tuple[str, str], WeighedPage] = {}
    for _, page in told(messages):
        key = (page.user_id, page.impression_id)
        assert page.is_first == (key not in last), "a page is first once"
        before = last[key].played_ms if key in last else (0,) * len(page.row)
        assert page.previous_ms == before, "a correction begins where the page was left"
        last[key] = page._replace(is_first=False, previous_ms=())
    assert _played(last.values()) == _outcomes(messages)
    return sorted(last.values())


def _played(pages: Iterable[WeighedPage]) -> dict[tuple[str, str, int, int], int]:
    return {
        (page.user_id, page.impression_id, row, slot): played_ms
        for page in pages
        for row, slot, played_ms in zip(page.row, page.slot, page.played_ms, strict=True)
    }


def _outcomes(messages: Iterable[Struct]) -> dict[tuple[str, str, int, int], int]:
    found: dict[tuple[str, str, int, int], int] = {}
    for message in messages:
        if isinstance(message, OutcomesSettled):
            for one in message.outcomes():
                found[one.user_id, one.impression_id, one.row, one.slot] = one.played_ms
        elif isinstance(message, OutcomeCorrected):
            found[message.user_id, message.impression_id, message.row, message.slot] = message.played_ms
    return found


@settings(max_examples=60, deadline=None)
@given(HISTORIES, PLACES)
def test_neither_cuts_nor_crashes_change_what_is_told_and_it_is_what_outcomes_say(
    history: list[Impression | StreamEnd], places: list[int]
) -> None:
    arrived = sorted(history, key=lambda one: one.event_ms)
    whole = told_by([arrived], restart=False)
    batches = cut(arrived, places)
    assert told_by(batches, restart=False) == whole
    assert told_by(batches, restart=True) == whole


def test_a_listener_who_is_forgotten_leaves_no_page() -> None:
    core, kept = listeners(settings_of()), Kept()
    core.impressions([(0, one) for one in _with_shelf("jazz", [impression(user_id=user) for user in ("ann", "bob")])])
    core.conclude()
    kept.keep(core.changed_rows())
    assert any(b"ann" in key and key.startswith(b"w/") for key in kept.rows)
    core.forget("ann")
    later = told(pass_time(core, 10_000))
    kept.keep(core.changed_rows())
    assert not any(b"ann" in key for key in kept.rows)
    assert {page.user_id for _, page in later} == {"bob"}


def test_pages_leave_after_their_correction_window() -> None:
    core = listeners(settings_of())
    core.impressions([(0, one) for one in _with_shelf("jazz", [impression(event_id=f"i{n}") for n in range(3)])])
    core.conclude()
    pass_time(core, 20_000)
    assert len(core.shadow.pages) == 3
    pass_time(core, 32_000)
    pass_time(core, 33_000)
    assert not len(core.shadow.pages)


def test_their_number_is_bounded_and_they_come_from_the_whole_window() -> None:
    core = listeners(settings_of(pages_max=40))
    weighed = []
    for number in range(20):
        names = [f"i{number}-{page}" for page in range(20)]
        pages = [impression(event_id=name, event_ms=1_000 * number + at) for at, name in enumerate(names)]
        core.impressions([(0, one) for one in _with_shelf("jazz", pages)])
        core.conclude()
        weighed.append(core.shadow.counters["pages_weighed"])
        assert len(core.shadow.pages) <= 40
    assert weighed[0] == 20, "below half of the limit every page is weighed"
    assert weighed[1] < weighed[4] < 40, "then they thin out"
    assert core.shadow.counters["pages_unweighed"] == 400 - weighed[-1]


def test_the_sample_is_the_same_everywhere_and_grows_with_the_share() -> None:
    hashes = np.random.default_rng(1).integers(2**63, size=20_000).astype(np.uint64)

    def sampled(share: float, seed: int = 0) -> np.ndarray:
        ranking = RankingSettings(seed=seed)
        return Shadow(LeaderboardSettings(share=share), ranking, ("mean",), Learned(("mean",))).is_sampled(hashes)

    tenth, half = sampled(0.1), sampled(0.5)
    assert abs(tenth.mean() - 0.1) < 0.01
    assert half[tenth].all()
    assert not sampled(0.0).any()
    assert sampled(1.0).all()
    assert (sampled(0.1) == tenth).all()
    assert (sampled(0.1, seed=1) != tenth).any()


def test_only_pages_of_the_own_surface_and_slots_that_candidates_fill_are_weighed() -> None:
    core = listeners(settings_of())
    jazz, search = _with_shelf("jazz", [impression(event_id=f"i{n}", cards=CARDS) for n in range(2)])
    unknown = impression(event_id="i3", cards=CARDS)
    core.impressions([(0, jazz), (1, replace(search, surface="search")), (2, unknown)])
    core.conclude()
    ((_, page),) = told(pass_time(core, 10_000))
    assert (page.impression_id, page.slot) == ("i0", (0, 1, 2)), "three cards are valid in this shelf"


def test_the_shadow_uses_the_distribution_from_which_pages_are_drawn() -> None:
    """`ShelfMaker.mixture` is what `ShelfMaker.shelf` draws from, for every listener by itself."""
    learned = listeners(settings_of()).learned
    plays = learned.play_columns([[Play(1, "s", "c1", 90_000)], [Play(1, "s", "c4", 5_000)]])
    weights = learned.user_weights(plays)
    maker = ShelfMaker(
        settings=RankingSettings(diversity=0.5, discovery_share=0.5, slots_max=4),
        policy=EpsilonGreedyPolicy(0.25),
        scores=scores_of(learned, reward_named("mean"), plays, weights, 0.5),
        doubt=None,
        fresh=None,
        card_group=learned.card_groups(),
    )
    keys = np.array([5, 6], dtype=np.uint64)
    for shelf_id, rows in learned.catalogue.shelves(deduplicated=True).items():
        shelf = maker.shelf(shelf_id, rows, keys)
        alone = [maker.of_listeners(np.array([n])).mixture(rows, keys[n : n + 1]) for n in range(2)]
        for number, mixture in enumerate(alone):
            assert (rows[draw(mixture, keys[number : number + 1]).items] == shelf.cards[number]).all()
