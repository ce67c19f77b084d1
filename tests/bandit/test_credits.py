"""What an exposure was credited with is what a correction takes back, whatever has moved since."""

from collections.abc import Callable
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cards import Cards
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from schemas.codec import encode
from schemas.learning import CoClusters
from schemas.outcomes import Credits, Outcome, OutcomeCorrected, OutcomeSettled, OutcomesSettled
from tests.bandit.credited_histories import HOUR_MS, KNOWN, STEPS, check, snapshot, story_of, tell
from tests.builders import outcome
from tests.tasks.test_cores import Kept

HALF_LIVES = st.sampled_from([0, 24 * HOUR_MS])
GROUPS = st.integers(1, 3)


@settings(max_examples=150)
@given(STEPS, GROUPS, HALF_LIVES)
def test_totals_lie_within_exposures_and_are_the_sums_over_them(steps: list, groups: int, half_life_ms: int) -> None:  # type: ignore[type-arg]
    story, core = story_of(steps, groups), Cards(KNOWN, half_life_ms=half_life_ms)
    tell(core, story.steps)
    check(core, story)
    assert not {name for name in core.counters if "credits" in name or "generation" in name}


@settings(max_examples=80)
@given(STEPS, GROUPS, HALF_LIVES, st.sampled_from([1.5, 30.0]))
def test_weighted_totals_lie_within_weighted_exposures(
    steps: list,  # type: ignore[type-arg]
    groups: int,
    half_life_ms: int,
    weight_max: float,
) -> None:
    core = Cards(KNOWN, half_life_ms=half_life_ms, weight_max=weight_max)
    tell(core, story_of(steps, groups).steps)
    table = core.table
    assert (table.total >= -1e-9).all()
    assert (table.total <= table.exposures[:, None] + 1e-9).all()


@settings(max_examples=80)
@given(STEPS, GROUPS, HALF_LIVES, st.lists(st.integers(0, 24), max_size=3))
def test_a_restart_anywhere_changes_no_bit(steps: list, groups: int, half_life_ms: int, cuts: list[int]) -> None:  # type: ignore[type-arg]
    story = story_of(steps, groups)
    whole, core, kept = Cards(KNOWN, half_life_ms=half_life_ms), Cards(KNOWN, half_life_ms=half_life_ms), Kept()
    tell(whole, story.steps)
    for at, step in enumerate(story.steps):
        if at in cuts:
            core = Cards(KNOWN, half_life_ms=half_life_ms)
            core.restore(kept.rows.items())
            newest = [earlier for earlier in story.steps[:at] if isinstance(earlier, CoClusters)][-1:]
            tell(core, newest)
        tell(core, [step])
        kept.keep(core.changed_rows())
    assert _published(core) == _published(whole)


@settings(max_examples=80)
@given(STEPS, GROUPS, st.randoms(use_true_random=False))
def test_what_comes_later_or_in_another_order_sums_to_the_same(steps: list, groups: int, random: Random) -> None:  # type: ignore[type-arg]
    story, core = story_of(steps, groups), Cards(KNOWN)
    held = [step for step in story.steps if not isinstance(step, CoClusters) and random.random() < 0.5]
    in_time = [step for step in story.steps if all(step is not other for other in held)]
    random.shuffle(held)
    tell(core, [*in_time, *held])
    check(core, story)


def _published(core: Cards) -> dict[str, bytes]:
    return {name: encode(core.table.message(name)) for name in sorted(core.table.row)}


def at_threshold(seconds: float, version: int) -> CoClusters:
    """Co-clusters of two groups in which streams of so many seconds are a success by the reward `mean`."""
    mean = float(np.log1p(seconds))
    return msgspec.structs.replace(snapshot(1, version, 2), mean=((mean,), (mean,)))


def credited(seconds: float, co_clusters: CoClusters) -> Credits:
    """What a stream earns now, by the reward `mean`."""
    learned = Learned(("mean",))
    learned.put_co_clusters(co_clusters)
    return tuple(learned.success(reward_named("mean")).over(np.array([seconds]), np.ones((1, 1)))[0].tolist())


def settled(seconds: int, co_clusters: CoClusters) -> OutcomeSettled:
    plain = outcome(played_ms=1_000 * seconds, weights=(0.5, 0.5), generation=1)
    return msgspec.structs.replace(plain, rewards="mean", credits=credited(seconds, co_clusters))


def corrected(before: OutcomeSettled, seconds: int, co_clusters: CoClusters) -> OutcomeCorrected:
    return OutcomeCorrected(
        impression_id="i1", row=0, slot=0, user_id="u1", card_id="c1", stream_event_id="s2", shown_ms=0,
        corrected_ms=5, previous_ms=before.played_ms, played_ms=1_000 * seconds, stream_count=2, generation=1,
        user_weights=before.user_weights, rewards="mean", credits=credited(seconds, co_clusters),
        previous_credits=before.credits,
    )  # fmt: skip


def without_credits(messages: list[Outcome]) -> list[Outcome]:
    def bare(message: Outcome) -> Outcome:
        previous = {"previous_credits": ()} if isinstance(message, OutcomeCorrected) else {}
        return msgspec.structs.replace(message, rewards="", credits=(), **previous)  # type: ignore[arg-type]

    return [bare(message) for message in messages]


@pytest.mark.parametrize(
    ("first", "then", "seconds", "more", "earned", "recomputed"),
    [(200.0, 400.0, 300, 500, 1.0, 2.0), (400.0, 200.0, 300, 310, 1.0, 0.0), (200.0, 400.0, 300, 310, 0.0, 1.0)],
)
def test_an_exposure_is_counted_once_whatever_becomes_of_thresholds(
    first: float, then: float, seconds: int, more: int, earned: float, recomputed: float
) -> None:
    before, after = at_threshold(first, 1), at_threshold(then, 2)
    outcome_ = settled(seconds, before)
    messages: list[Outcome] = [OutcomesSettled.of([outcome_]), corrected(outcome_, more, after)]
    for told, expected in ((messages, earned), (without_credits(messages), recomputed)):
        core = Cards(("mean",))
        tell(core, [before, told[0], after, told[1]])
        assert core.table.total[0, 0].sum() == pytest.approx(expected), (
            "recomputing does not take back what was counted"
        )
        assert core.table.exposures[0].sum() == 1.0
    assert core.counters["outcomes_without_credits"] == 2


def test_groups_that_have_moved_since_hold_no_more_reward_than_exposures() -> None:
    """A listener half and half; when her stream is corrected, nearly all of the first group is another's."""
    before, after = at_threshold(200.0, 1), at_threshold(200.0, 2)
    first = settled(0, before)
    overlap = np.array([[0.02, 0.98], [0.98, 0.02]])
    moved = msgspec.structs.replace(snapshot(2, 3, 2, overlap), mean=after.mean)
    later = msgspec.structs.replace(corrected(first, 500, after), previous_credits=(), stream_count=1)
    core = Cards(("mean",))
    tell(core, [before, OutcomesSettled.of([msgspec.structs.replace(first, credits=())]), moved, later])
    assert core.table.total[0, 0].tolist() == core.table.exposures[0].tolist() == pytest.approx([0.5, 0.5])


def _rows(messages: list[Outcome]) -> tuple[OutcomesSettled, OutcomeCorrected]:
    first, second = messages
    assert isinstance(first, OutcomesSettled)
    assert isinstance(second, OutcomeCorrected)
    return first, second


SPOILED: dict[str, Callable[[OutcomesSettled, OutcomeCorrected], list[Outcome]]] = {
    "more rows than streams": lambda a, b: [msgspec.structs.replace(a, credits=a.credits * 2), b],
    "no rows, but rewards": lambda a, b: [msgspec.structs.replace(a, credits=()), b],
    "rows, but no rewards": lambda a, b: [msgspec.structs.replace(a, rewards=""), b],
    "a row of another width": lambda a, b: [msgspec.structs.replace(a, credits=((1.0,),)), b],
    "rewards for another width": lambda a, b: [msgspec.structs.replace(a, rewards="mean,static"), b],
    "a reward named twice": lambda a, b: [msgspec.structs.replace(a, rewards="mean,mean", credits=((0.5,) * 4,)), b],
    "a correction of another width": lambda a, b: [a, msgspec.structs.replace(b, credits=(1.0,))],
    "a correction that takes back another width": lambda a, b: [a, msgspec.structs.replace(b, previous_credits=(1.0,))],
    "a correction that takes back nothing": lambda a, b: [
        a,
        msgspec.structs.replace(b, previous_credits=()),
    ],
    "a correction with rewards only": lambda a, b: [a, msgspec.structs.replace(b, credits=(), previous_credits=())],
    "a correction without rewards": lambda a, b: [a, msgspec.structs.replace(b, rewards="")],
}


@pytest.mark.parametrize("how", SPOILED)
def test_credits_that_do_not_fit_are_counted_and_recomputed(how: str) -> None:
    now = at_threshold(200.0, 1)
    first = settled(300, now)
    good: list[Outcome] = [OutcomesSettled.of([first]), corrected(first, 500, now)]
    core, expected = Cards(("mean", "static")), Cards(("mean", "static"))
    tell(core, [now, *SPOILED[how](*_rows(good))])
    tell(expected, [now, *good])
    assert core.counters["outcomes_with_wrong_credits"] == 1
    assert "outcomes_without_credits" not in core.counters
    assert expected.counters["outcomes_with_wrong_credits"] == 0
    assert core.table.total[0, 0].tolist() == expected.table.total[0, 0].tolist() == [0.5, 0.5]
    assert core.table.exposures[0].tolist() == [0.5, 0.5]


def test_a_generation_that_nobody_knows_counts_by_the_prior() -> None:
    now = at_threshold(200.0, 1)
    first = msgspec.structs.replace(settled(300, now), generation=7, credits=(1.0, 0.0))
    core = Cards(("mean",))
    tell(core, [now, OutcomesSettled.of([first])])
    assert core.counters["outcomes_of_another_generation"] == 1
    assert core.table.exposures[0].tolist() == [0.5, 0.5]
    assert core.table.total[0, 0].tolist() == [0.25, 0.25], "half of it was a success"


def test_state_without_generations_is_read_and_goes_on() -> None:
    story = story_of([], 2)
    core, kept = Cards(KNOWN), Kept()
    tell(core, [*story.steps, *without_credits([OutcomesSettled.of([settled(300, at_threshold(200.0, 1))])])])
    kept.keep(core.changed_rows())
    assert kept.rows.pop(b"g")
    again = Cards(KNOWN)
    again.restore(kept.rows.items())
    overlap = np.array([[0.25, 0.75], [1.0, 0.0]])
    late = OutcomesSettled.of([settled(300, at_threshold(200.0, 1))])
    tell(again, [snapshot(2, 3, 2, overlap), late])
    assert again.table.exposures[0].tolist() == pytest.approx([1.25, 0.75])
    assert again.counters["outcomes_of_another_generation"] == 0
