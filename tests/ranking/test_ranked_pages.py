"""What is written of a ranking is what was ranked, to the last bit."""

import numpy as np
import pytest

from processors.policies.policy_catalogue import POLICIES
from processors.ranking.explanation import KINDS
from processors.ranking.ranked_pages import RankedPages
from schemas.codec import decode
from schemas.rankings import RankedShelf, ShelfRanking
from tests.ranking.test_explanations import PLAYS
from tests.ranking.test_pages import learned, maker, request


def in_plain_python(pages: RankedPages, names: list[str]) -> list[ShelfRanking]:
    def shelf(index: int, row: int) -> RankedShelf:
        found = pages.shelves[pages.order.items[index, row]]
        reasons = found.reasons
        return RankedShelf(
            shelf_id=found.shelf_id,
            score=float(found.promise[index]),
            propensity=float(np.round(pages.order.propensities[index, row], 9)),
            cards=tuple(names[card] for card in found.cards[index]),
            scores=tuple(found.scores[index].tolist()),
            propensities=tuple(np.round(found.drawn.propensities[index], 9).tolist()),
            order_log_propensities=tuple(found.drawn.order_log_propensities[index].tolist()),
            row_log_propensity=float(pages.order.order_log_propensities[index, row]),
            reasons=tuple(KINDS[reasons.first[index]]),
            reason_values=tuple(reasons.first_value[index].tolist()),
            second_reasons=tuple(KINDS[reasons.second[index]]),
            second_values=tuple(reasons.second_value[index].tolist()),
        )

    return [
        ShelfRanking(
            user_id=one.user_id,
            ranking_number=one.ranking_number,
            event_ms=one.event_ms,
            surface=pages.surface,
            shelves=tuple(shelf(index, row) for row in range(pages.order.items.shape[1])),
            policy_version=pages.policy_version,
            reward_version=pages.reward_version,
            model_version=pages.model_version,
            draw_key=int(pages.keys[index]) >> 11,
            user_weights=tuple(pages.weights[index].tolist()),
            discovery_share=float(pages.discovery_share[index]),
            sources=one.sources,
        )
        for index, one in enumerate(pages.requests)
    ]


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_records_are_those_of_the_messages_for_every_policy(policy: str) -> None:
    known = learned()
    requests = [
        request(f"ü{number}", plays=PLAYS if number % 2 else ())
        for number in range(150 if "river" in policy else 1_100)
    ]
    pages = maker(policy).pages(known, requests)
    assert pages is not None
    keys, values = zip(*pages.encoded(), strict=True)
    assert [decode("shelf-rankings", value) for value in values] == in_plain_python(pages, known.catalogue.names)
    assert list(keys) == [one.user_id.encode() for one in requests]
