"""What travels in columns stays a record that a broker takes, whatever the names in it."""

from processors.listeners import INTERACTIONS_MAX
from processors.settlement.exposure_columns import OUTCOMES_MAX
from schemas.codec import VALUE_BYTES_MAX, encode
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import LoggedPage, OutcomeSettled, OutcomesSettled

LONGEST = "\x01" * 252  # six bytes a character in JSON


def test_outcomes_with_the_longest_names_fit_into_a_record() -> None:
    outcomes = [
        OutcomeSettled(
            impression_id=LONGEST,
            row=10**6,
            slot=10**6,
            shelf_id=LONGEST,
            user_id=LONGEST,
            card_id=LONGEST,
            shown_ms=10**14,
            settled_ms=10**14,
            played_ms=10**10,
            stream_count=10**6,
            propensity=0.123456789,
            logged=LoggedPage(*(f"{LONGEST}{number:04}" for _ in range(5))),
            user_weights=(0.0078125,) * 128,
        )
        for number in range(OUTCOMES_MAX)
    ]
    assert len(encode(OutcomesSettled.of(outcomes))) < VALUE_BYTES_MAX


def test_interactions_with_the_longest_names_fit_into_a_record() -> None:
    one = Interaction(event_id=LONGEST, user_id=LONGEST, card_id=LONGEST, event_ms=10**14, played_ms=10**9)
    assert len(encode(Interactions.of("listeners/0", [one] * INTERACTIONS_MAX))) < VALUE_BYTES_MAX
