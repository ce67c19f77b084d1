"""Every reason that a card is given is true: its number can be worked out again from what was known."""

import numpy as np
import pytest

from processors.ranking.explanation import KINDS, NEWCOMER_SHARE
from processors.ranking.learned import Learned
from processors.ranking.play_columns import Play
from processors.ranking.scores import expected, scores_of
from processors.rewards.reward_catalogue import reward_named
from schemas.learning import CardGroup
from schemas.rankings import RankedShelf, ShelfRanking
from tests.builders import card
from tests.ranking.test_pages import learned, maker, request

PLAYS = tuple(Play(n, f"s{n}", f"c{n % 4}", 20_000 * (1 + n) ** 3) for n in range(12))


def worked_out(known: Learned, page: ShelfRanking, plays: tuple[Play, ...], own_weight: float) -> dict[str, np.ndarray]:
    """Each contribution to the score of every card, from the posterior and the weights that the ranking names."""
    weights = np.array([page.user_weights])
    estimate = known.posterior("mean")
    mean = expected(weights, estimate.mean)[0]
    everybody = estimate.mean @ known.blocks.user_prior
    own = scores_of(known, reward_named("mean"), known.play_columns([plays]), weights, own_weight).own[0]
    return {"own_streams": own, "group": mean - everybody, "card": everybody - estimate.overall}


def reasons(shelf: RankedShelf, slot: int) -> list[tuple[str, float]]:
    first = (shelf.reasons[slot], shelf.reason_values[slot])
    return [first, (shelf.second_reasons[slot], shelf.second_values[slot])]


@pytest.mark.parametrize("policy", ["greedy", "epsilon-greedy", "thompson", "plackett-luce", "ucb", "uniform"])
def test_the_two_reasons_are_the_strongest_and_their_numbers_are_right(policy: str) -> None:
    known = learned()
    for page in maker(policy).rank(known, [request(f"u{n}", plays=PLAYS) for n in range(20)]):
        parts = worked_out(known, page, PLAYS, own_weight=0.5)
        for shelf in page.shelves:
            for slot, name in enumerate(shelf.cards):
                row = known.catalogue.row[name]
                ranked = sorted(((values[row], kind) for kind, values in parts.items()), reverse=True)
                told = [one for one in reasons(shelf, slot) if one[0] not in {"exploration", "newcomer"}]
                for (kind, value), (true_value, _) in zip(told, ranked, strict=False):
                    assert value == pytest.approx(parts[kind][row], abs=2e-6)
                    assert value == pytest.approx(true_value, abs=2e-6), "the strongest comes first"


def test_every_reason_of_a_card_names_the_rule_by_which_it_is_valid_there() -> None:
    known = learned()
    for shelf in maker("uniform").rank(known, [request()])[0].shelves:
        assert all(shelf.shelf_id in known.catalogue.cards[name].shelves for name in shelf.cards)


@pytest.mark.parametrize("policy", ["epsilon-greedy", "thompson", "plackett-luce"])
def test_a_shelf_explores_as_often_as_it_says(policy: str) -> None:
    pages = maker(policy, epsilon=0.3, draws=16).rank(learned(), [request(f"u{n}") for n in range(3_000)])
    best = maker("greedy").rank(learned(), [request()])[0]
    order = {shelf.shelf_id: shelf.cards for shelf in best.shelves}
    shelves = [shelf for page in pages for shelf in page.shelves if shelf.shelf_id == "sleep"]
    departs = [shelf.cards != order["sleep"] for shelf in shelves]
    says_so = [set(shelf.reasons) == {"exploration"} for shelf in shelves]
    assert says_so == departs, "a shelf is said to explore exactly where it does not stand in its best order"
    told = np.array([shelf.reason_values[0] for shelf in shelves if shelf.reasons[0] == "exploration"])
    assert (told > 0.0).all()
    if policy == "epsilon-greedy":
        assert np.mean(departs) == pytest.approx(0.3, abs=0.03)
        assert set(told) == {0.3}


def test_a_new_card_starts_at_what_its_co_cluster_earns_and_is_called_a_newcomer() -> None:
    known = learned()
    known.put_card("fresh", card("fresh", shelves=("jazz",)))
    known.put_card_group(CardGroup(card_id="fresh", generation=1, version=1, logits=(0.0, -8.0), group=0))
    of_group_0 = (Play(1, "a", "c0", 55_000), Play(2, "b", "c1", 1_100_000))
    (page,) = maker("greedy", slots_max=20, own_weight=0.0).rank(known, [request(plays=of_group_0)])
    shelf = next(shelf for shelf in page.shelves if shelf.shelf_id == "jazz")
    slot = shelf.cards.index("fresh")
    assert shelf.second_reasons[slot] == "newcomer"
    assert shelf.second_values[slot] == pytest.approx(1.0)
    assert shelf.second_values[slot] > NEWCOMER_SHARE
    of_its_group = [shelf.scores[shelf.cards.index(f"c{n}")] for n in range(0, 12, 2)]
    assert min(of_its_group) < shelf.scores[slot] < max(of_its_group)


def test_a_card_of_which_nothing_is_known_starts_in_the_middle_of_all() -> None:
    known = learned()
    known.put_card("stranger", card("stranger", shelves=("jazz",)))
    (page,) = maker("greedy", slots_max=20).rank(known, [request()])
    shelf = next(shelf for shelf in page.shelves if shelf.shelf_id == "jazz")
    middle = known.posterior("mean").overall
    assert shelf.scores[shelf.cards.index("stranger")] == pytest.approx(middle, abs=0.02)


def test_a_new_listener_gets_what_everybody_likes_and_is_told_so() -> None:
    known = learned()
    (page,) = maker("greedy").rank(known, [request("newcomer")])
    assert page.user_weights == (0.5, 0.5)
    everybody = known.posterior("mean").mean @ known.blocks.user_prior
    for shelf in page.shelves:
        for slot, name in enumerate(shelf.cards):
            assert shelf.scores[slot] == pytest.approx(everybody[known.catalogue.row[name]], abs=1e-6)
            told = dict(reasons(shelf, slot))
            assert told.get("group", 0.0) == 0.0
            assert told.get("own_streams", 0.0) == 0.0


def test_kinds_of_reasons_are_those_that_messages_know() -> None:
    from typing import get_args

    from schemas.rankings import ReasonKind

    assert set(KINDS) == set(get_args(ReasonKind))
