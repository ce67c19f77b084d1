"""Bandit statistics: they equal River's, add up over partitions, and forget in event time, however they are cut."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import bandit, proba, stats

from processors.bandit.card_statistics import CardStatisticsTable
from processors.bandit.river_statistics import as_beta, as_mean, as_var
from processors.cards import Cards
from processors.policies.river_policy import primed
from processors.ranking.learned import Learned
from schemas.codec import decode, encode
from schemas.learning import CardStatistics
from schemas.outcomes import OutcomeSettled
from tests.builders import by_card, card, outcome
from tests.tasks.test_cores import Kept, co_clusters

REWARDS = ("static", "mean", "continuous", "additive:users")
HOUR_MS = 3_600_000
CARDS = ("c1", "c2", "c3")


def settled(
    card_id: str, seconds: int, group: int, shown_ms: int, propensity: float = 0.5, of_row: float | None = None
) -> OutcomeSettled:
    weights = (1.0, 0.0) if group == 0 else (0.0, 1.0)
    plain = outcome(card_id=card_id, played_ms=seconds * 1_000, weights=weights, generation=1)
    placed = {"propensity": propensity, "row_propensity": of_row}
    return msgspec.structs.replace(plain, shown_ms=shown_ms, settled_ms=shown_ms + 1, **placed)


histories = st.lists(
    st.builds(
        settled,
        st.sampled_from(CARDS),
        st.sampled_from([0, 0, 5, 40, 400, 4_000]),
        st.integers(0, 1),
        st.integers(0, 400 * HOUR_MS),
        st.sampled_from([1.0, 0.5, 0.05, 1e-7]),
        st.sampled_from([None, 1.0, 0.25]),
    ),
    max_size=40,
)


def cards(
    batches: Iterable[Sequence[OutcomeSettled]],
    half_life_ms: int = 0,
    kept: Kept | None = None,
    weight_max: float = 0.0,
) -> Cards:
    core = Cards(REWARDS, half_life_ms=half_life_ms, weight_max=weight_max)
    core.put_co_clusters(co_clusters())
    for batch in batches:
        if kept is not None:
            core = Cards(REWARDS, half_life_ms=half_life_ms, weight_max=weight_max)
            core.restore(kept.rows.items())
            core.put_co_clusters(co_clusters())
        core.outcomes(by_card(batch))
        if kept is not None:
            kept.keep(core.changed_rows())
    return core


def sums(core: Cards) -> dict[str, np.ndarray]:
    """Exposures and totals of every card, as of the newest outcome of all."""
    table = core.table
    names = sorted(table.row)
    found = [np.concatenate(table.current(table.rows_of(names), reward)[:3], axis=1) for reward in REWARDS]
    return dict(zip(names, np.concatenate(found, axis=1), strict=True))


def cut(history: Sequence[OutcomeSettled], places: Iterable[int]) -> list[Sequence[OutcomeSettled]]:
    edges = [0, *sorted(place % (len(history) + 1) for place in places), len(history)]
    return [history[a:b] for a, b in pairwise(edges)]


PLACES = st.lists(st.integers(0, 40), max_size=4)
WEIGHTS = st.sampled_from([0.0, 3.0, 100.0])
HALF_LIVES = st.sampled_from([0, HOUR_MS, 24 * HOUR_MS, 1_000 * HOUR_MS])


@settings(max_examples=60)
@given(histories, PLACES, HALF_LIVES, WEIGHTS)
def test_neither_batches_nor_crashes_change_a_bit(
    history: list[OutcomeSettled], places: list[int], half_life_ms: int, weight_max: float
) -> None:
    def published(core: Cards) -> dict[str, bytes]:
        return {name: encode(core.table.message(name)) for name in sorted(core.table.row)}

    whole = published(cards([history], half_life_ms, weight_max=weight_max))
    assert published(cards(cut(history, places), half_life_ms, weight_max=weight_max)) == whole
    assert published(cards(cut(history, places), half_life_ms, Kept(), weight_max)) == whole


@settings(max_examples=60)
@given(histories, st.randoms(use_true_random=False), HALF_LIVES, WEIGHTS)
def test_the_order_of_outcomes_changes_nothing(
    history: list[OutcomeSettled], rng: object, half_life_ms: int, weight_max: float
) -> None:
    shuffled = list(history)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (sums(cards([told], half_life_ms, weight_max=weight_max)) for told in (history, shuffled))
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(histories, st.integers(0, 40), HALF_LIVES)
def test_what_two_partitions_learned_adds_up_to_what_one_would_have(
    history: list[OutcomeSettled], place: int, half_life_ms: int
) -> None:
    whole = cards([history], half_life_ms)
    parts = [cards([part], half_life_ms) for part in (history[:place], history[place:])]
    now_ms = int(whole.table.updated_ms.max(initial=0))
    for name, row in whole.table.row.items():
        expected = whole.table.exposures[row] * whole.table.forgetting.as_of(whole.table.epochs[[row]], now_ms)
        together = np.zeros(2)
        for part in parts:
            if name in part.table.row:
                own = part.table.row[name]
                factor = part.table.forgetting.as_of(part.table.epochs[[own]], now_ms)
                together += part.table.exposures[own] * factor
        np.testing.assert_allclose(together, expected, rtol=1e-9, atol=1e-12)


def test_a_weighted_outcome_counts_by_its_inverse_propensity_and_trust_by_the_effective_number() -> None:
    often = [settled("c1", 40, 0, 0, 0.8), settled("c1", 0, 0, 0, 0.8), settled("c1", 0, 0, 0, 0.8)]
    seldom = [settled("c1", 40, 0, 0, 0.5, 0.2), settled("c1", 40, 0, 0, 1e-9)]
    weights = np.array([1.25, 1.25, 1.25, 10.0, 20.0])
    core = cards([[*often, *seldom]], weight_max=20.0)
    (row,) = core.table.rows_of(["c1"])
    assert core.table.exposures[row, 0] == pytest.approx(weights.sum())
    exposures, total, _ = core.table.current(np.array([row]), "static")
    assert exposures[0, 0] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert total[0, 0] / exposures[0, 0] == pytest.approx(weights[[0, 3, 4]].sum() / weights.sum())
    message = core.table.message("c1")
    assert message.weight_squares[0] == pytest.approx((weights**2).sum())
    reader = CardStatisticsTable(REWARDS, groups=2, generation=1)
    reader.adopt(decode("card-statistics", encode(message)))
    np.testing.assert_array_equal(reader.current(reader.rows_of(["c1"]), "static")[0][0], exposures[0])
    assert not cards([often]).table.message("c1").weight_squares


def test_an_outcome_loses_half_its_weight_in_a_half_life() -> None:
    old, new = settled("c1", 40, 0, 0), settled("c2", 40, 0, 24 * HOUR_MS)
    core = cards([[old, new]], 24 * HOUR_MS)
    exposures, total, _ = core.table.current(core.table.rows_of(["c1", "c2"]), "static")
    np.testing.assert_allclose(exposures[:, 0], [0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose(total[:, 0], [0.5, 1.0], rtol=1e-6)


def test_readers_see_a_card_fade_while_others_are_shown() -> None:
    history = [settled("c1", 40, 0, 0), *(settled("c2", 0, 0, n * HOUR_MS) for n in range(1, 49))]
    core = cards([history], 24 * HOUR_MS)
    reader = Learned(REWARDS)
    for name in CARDS:
        reader.put_card(name, card(name))
    reader.put_co_clusters(co_clusters())
    for message in core.statistics():
        again = decode("card-statistics", encode(message))
        assert isinstance(again, CardStatistics)
        reader.put_statistics(again)
    row = reader.statistics.rows_of(["c1"])
    assert reader.statistics.current(row, "static")[0][0, 0] == pytest.approx(0.25, rel=1e-3)


arms = st.lists(
    st.tuples(st.sampled_from(CARDS), st.booleans(), st.integers(0, 1)),
    min_size=1,
    max_size=80,
)


@given(arms)
def test_statistics_equal_rivers_on_the_same_stream(stream: list[tuple[str, bool, int]]) -> None:
    core = cards([[settled(name, 40 if success else 0, group, 0) for name, success, group in stream]])
    table = core.table
    for name, row in table.row.items():
        for group in range(2):
            mean, var, beta = stats.Mean(), stats.Var(), proba.Beta()
            for other, success, in_group in stream:
                if (other, in_group) == (name, group):
                    mean.update(float(success))
                    var.update(float(success))
                    beta.update(success)
            count, total = float(table.exposures[row, group]), float(table.total[row, 0, group])
            squares = float(table.squares[row, 0, group])
            assert as_mean(count, total).get() == pytest.approx(mean.get(), abs=1e-9)
            assert as_var(count, total, squares).get() == pytest.approx(var.get(), abs=1e-9)
            ours = as_beta(count, total)
            assert (ours.alpha, ours.beta) == pytest.approx((beta.alpha, beta.beta), abs=1e-9)


@given(arms)
def test_a_river_policy_on_our_statistics_is_the_one_that_learned_by_itself(
    stream: list[tuple[str, bool, int]],
) -> None:
    core = cards([[settled(name, 40 if success else 0, 0, 0) for name, success, _ in stream]])
    names = sorted(core.table.row)
    own = bandit.UCB(delta=1.0, seed=1)
    for name, success, _ in stream:
        own.update(names.index(name), float(success))
    rows = core.table.rows_of(names)
    count, total = core.table.exposures[rows, 0], core.table.total[rows, 0, 0]
    ours = primed(bandit.UCB(delta=1.0, seed=1), total / count, count, seed=1)
    assert ours._n == own._n  # noqa: SLF001
    for arm in range(len(names)):
        assert ours._counts[arm] == own._counts[arm]  # noqa: SLF001
        assert ours._rewards[arm].get() == pytest.approx(own._rewards[arm].get(), abs=1e-9)  # noqa: SLF001


def test_another_half_life_goes_on_from_what_is_known() -> None:
    core = cards([[settled("c1", 40, 0, 48 * HOUR_MS)] * 8], 24 * HOUR_MS)
    (message,) = core.statistics()
    table = CardStatisticsTable(REWARDS, groups=2, generation=1, half_life_ms=0)
    table.adopt(message)
    exposures, _, _ = table.current(table.rows_of(["c1"]), "static")
    assert exposures[0, 0] == pytest.approx(8.0, rel=1e-3)


def test_at_most_so_many_cards_are_remembered_and_the_least_recent_leave_first() -> None:
    core, kept = Cards(REWARDS, cards_max=32), Kept()
    for number in range(200):
        shown = outcome(card_id=f"c{number}", played_ms=40_000)
        core.outcomes(by_card([msgspec.structs.replace(shown, settled_ms=number + 1)]))
        kept.keep(core.changed_rows())
        assert len(core.table.row) <= 32
    assert "c199" in core.table.row
    assert "c0" not in core.table.row
    assert core.withdrawn() == sorted(f"c{number}" for number in range(200) if f"c{number}" not in core.table.row)
    assert core.withdrawn() == []
    assert core.counters["cards_evicted"] == 200 - len(core.table.row)
    assert {key for key in kept.rows if key.startswith(b"c/")} == {b"c/" + name.encode() for name in core.table.row}


def test_a_card_that_was_forgotten_starts_anew() -> None:
    core = Cards(REWARDS, cards_max=16)
    core.outcomes(by_card([outcome(card_id="first", played_ms=40_000)]))
    for number in range(40):
        core.outcomes(by_card([msgspec.structs.replace(outcome(card_id=f"c{number}"), settled_ms=number + 2)]))
    core.outcomes(by_card([msgspec.structs.replace(outcome(card_id="first"), settled_ms=100)]))
    message = core.table.message("first")
    assert (sum(message.exposures), message.version) == (1.0, 1)
    assert "first" not in core.withdrawn(), "what is remembered again is not taken back"


def test_what_is_taken_back_leaves_a_reader_as_if_it_had_never_been_published() -> None:
    core = Cards(("static",))
    core.outcomes(by_card([outcome(card_id=name, played_ms=40_000) for name in ("c1", "c2")]))
    published = {message.card_id: message for message in core.statistics()}
    never, withdrawn = Learned(("static",)), Learned(("static",))
    for reader in (never, withdrawn):
        for name in ("c1", "c2"):
            reader.put_card(name, card(name))
        reader.put_statistics(published["c2"])
    withdrawn.put_statistics(published["c1"])
    assert not np.array_equal(withdrawn.posterior("static").count, never.posterior("static").count)
    withdrawn.withdraw_statistics("c1")
    np.testing.assert_array_equal(withdrawn.posterior("static").count, never.posterior("static").count)
