"""A listener who was forgotten: no row has her name, nothing is concluded from her, and nobody else notices."""

from hypothesis import given
from hypothesis import strategies as st

from processors.settlement.settlement import Settlement
from processors.settlement.state.rows import changed_rows, restore
from tests.settlement.facts import Fact
from tests.settlement.test_settlement import PLACES, SETTINGS, Event, closing, cut, feed, histories, known


@given(histories(("gone", "u2")), PLACES, st.integers(0, 6), st.booleans())
def test_no_row_has_her_name_and_nobody_else_notices(
    events: list[Event], places: list[int], forgotten_after: int, restarts: bool
) -> None:
    settlement, rows, facts = Settlement(SETTINGS), dict[bytes, bytes | None](), list[Fact]()
    for number, batch in enumerate(cut(events, places)):
        facts += feed(settlement, [event for event in batch if number <= forgotten_after or event.user_id != "gone"])
        rows |= dict(changed_rows(settlement)) if restarts else {}
        if number == forgotten_after:
            settlement.forget("gone")
    settlement.forget("gone")
    rows |= dict(changed_rows(settlement))
    kept = {key: value for key, value in rows.items() if value is not None}
    assert not any(b"gone" in key + value for key, value in kept.items())
    settlement = restore(SETTINGS, kept.items())
    after = feed(settlement, closing())
    assert not any(fact.user_id == "gone" for fact in after)
    alone = Settlement(SETTINGS)
    without = [
        fact for batch in cut(events, places) for fact in feed(alone, [it for it in batch if it.user_id == "u2"])
    ]
    assert known(fact for fact in [*facts, *after] if fact.user_id == "u2") == known(
        [*without, *feed(alone, closing())]
    )
