"""Pages that were kept, and outcomes that were written, before the propensities of orders were, are read as before."""

import json

from processors.cards import Cards
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.codec import decode, encode
from schemas.outcomes import ORDER_COLUMNS, OutcomesSettled
from tests.builders import by_card, impression, outcome, stream_end

SETTINGS = ListenersSettings(settlement=SettlementSettings(lateness_ms=0, horizon_ms=1_000))


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "little") + value.encode()


def older_page(cards: tuple[str, ...]) -> bytes:
    """The row of impression `i1`, without a soft group, in the layout of that time."""
    head = (5).to_bytes(8, "little") + len(cards).to_bytes(3, "little") + bytes(1) + text("i1")
    logged = b"".join(map(text, ("home", "b", "p", "r", "m")))
    exposures = (
        bytes(4) + slot.to_bytes(4, "little") + text("jazz") + text(card) + text("0.25")
        for slot, card in enumerate(cards)
    )
    return head + logged + b"".join(exposures)


def test_an_older_page_settles_with_what_it_has() -> None:
    before = Listeners(SETTINGS, source="l")
    before.impressions([(0, impression(event_id="i1", user_id="u1", event_ms=5, cards=("c1", "c2")))])
    rows = {key: value for key, value in before.changed_rows() if value is not None}
    (page,) = [key for key in rows if key.startswith(b"i/")]
    assert len(rows[page]) > len(older_page(("c1", "c2")))
    core = Listeners(SETTINGS, source="l")
    core.restore([*(rows | {page: older_page(("c1", "c2"))}).items()])
    core.impressions([(1, impression(event_id="end", user_id="end", event_ms=9_000, is_order_logged=True))])
    core.stream_ends([(1, stream_end(event_id="end", user_id="end", started_ms=9_000, event_ms=9_000))])
    settled = [
        one
        for message in core.conclude().everything()
        if isinstance(message, OutcomesSettled)
        for one in message.outcomes()
        if one.user_id == "u1"
    ]
    assert [(one.card_id, one.slot, one.propensity, one.logged.variant) for one in settled] == [
        ("c1", 0, 0.25, "b"),
        ("c2", 1, 0.25, "b"),
    ]
    assert all(getattr(one, name) is None for one in settled for name in ORDER_COLUMNS)


def test_outcomes_without_the_columns_of_the_order_are_valid() -> None:
    (message,) = by_card([outcome(weights=(1.0,)), outcome(user_id="u2", weights=(1.0,))])
    body = json.loads(encode(message))
    for name in ORDER_COLUMNS:
        del body[name]
    older = decode("outcomes", json.dumps(body).encode())
    assert list(older.outcomes()) == list(message.outcomes())
    cards = Cards(("static",))
    cards.outcomes([older])
    assert cards.table.exposures.sum() == 2.0
