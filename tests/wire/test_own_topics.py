"""Compiled readers of our own topics give what the reference gives: outcomes, corrections and interactions."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.wire.cursor import COUNT_MAX
from processors.wire.interactions import InteractionColumns, interactions_of, read_interactions
from processors.wire.outcomes import OutcomeColumns, outcomes_of, read_outcomes
from schemas.codec import UnreadableError, decode, encode
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import Outcome, OutcomeCorrected, OutcomesSettled
from tests.builders import by_card, outcome
from tests.wire.messages import interactions, outcomes
from tests.wire.odd_bytes import odd
from tests.wire.told import text_of

TOPICS: dict[str, st.SearchStrategy[Any]] = {"interactions": interactions(), "outcomes": outcomes()}
OF: dict[str, Callable[..., Any]] = {
    "interactions": interactions_of,
    "outcomes": partial(outcomes_of, with_propensities=True),
}
READERS: dict[str, Callable[..., Any]] = {
    "interactions": read_interactions,
    "outcomes": partial(read_outcomes, with_propensities=True),
}


def told_by(columns: InteractionColumns | OutcomeColumns) -> list[Any]:
    if isinstance(columns, InteractionColumns):
        names = [[text_of(columns.data, one) for one in spans] for spans in columns[4:]]
        numbers = [columns.event_ms.tolist(), columns.played_ms.tolist(), map(bool, columns.organic)]
        return list(zip(*names, *numbers, strict=True))
    told = []
    for at in range(len(columns.card_id)):
        rows = [
            (
                *(int(column[row]) for column in columns[5:9]),
                tuple(columns.weights[slice(*ends)].tolist()),
                None if isnan(columns.propensities[row]) else float(columns.propensities[row]),
            )
            for row in range(columns.offsets[at], columns.offsets[at + 1])
            for ends in [columns.weight_offsets[row : row + 2].tolist()]
        ]
        card_id, rewards = text_of(columns.data, columns.card_id[at]), text_of(columns.data, columns.rewards[at])
        earned = [
            [
                tuple(kind.values[slice(*kind.offsets[place : place + 2])])
                for kind in (columns.credits, columns.previous_credits)
            ]
            for place in range(columns.credit_places[at], columns.credit_places[at + 1])
        ]
        told.append((card_id, int(columns.generation[at]), int(columns.settles[at]), rows, rewards, earned))
    return told


def told_of(message: Interactions | Outcome) -> list[Any]:
    if isinstance(message, Interactions):
        names = ("event_id", "user_id", "card_id", "event_ms", "played_ms", "organic")
        return [tuple(getattr(one, name) for name in names) for one in message.interactions()]
    is_settled = isinstance(message, OutcomesSettled)
    if isinstance(message, OutcomesSettled):
        known = zip(message.shown_ms, message.settled_ms, message.played_ms, strict=True)
        of_rows = message.row_propensity or (None,) * len(message.row)
        placed = [one * (1.0 if row is None else row) for one, row in zip(message.propensity, of_rows, strict=True)]
        rows = [(*one, 0, soft, p) for one, soft, p in zip(known, message.user_weights, placed, strict=True)]
        earned = [[one, ()] for one in message.credits]
    else:
        on_page = None if message.propensity is None else message.propensity * (message.row_propensity or 1.0)
        known_ms = (message.shown_ms, message.corrected_ms, message.played_ms, message.previous_ms)
        rows = [(*known_ms, message.user_weights, on_page)]
        earned = [[message.credits, message.previous_credits]]
    rows = [(*(min(number, COUNT_MAX) for number in row[:-2]), *row[-2:]) for row in rows]
    return [(message.card_id, min(message.generation, COUNT_MAX), int(is_settled), rows, message.rewards, earned)]


def agrees(topic: str, values: Sequence[bytes]) -> tuple[list[int], list[int]]:
    """Read and compare with the reference: which records were asked about, and which were set aside."""
    asked: list[int] = []
    aside: list[int] = []

    def slow(index: int) -> bytes | None:
        asked.append(index)
        try:
            return encode(decode(topic, values[index]))
        except UnreadableError:
            aside.append(index)
            return None

    expected: list[Any] = []
    wrong = []
    for index, value in enumerate(values):
        try:
            expected += told_of(decode(topic, value))
        except UnreadableError:
            wrong.append(index)
    assert told_by(READERS[topic](values, slow)) == expected
    assert aside == wrong
    return asked, aside


@pytest.mark.parametrize("topic", TOPICS)
@given(data=st.data())
def test_every_message_is_read_from_its_canonical_bytes(topic: str, data: st.DataObject) -> None:
    messages = data.draw(st.lists(TOPICS[topic], max_size=4))
    assert told_by(OF[topic](messages)) == [one for message in messages for one in told_of(message)]


@pytest.mark.parametrize("topic", TOPICS)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_bytes_of_any_kind_are_read_as_the_reference_reads_them(topic: str, data: st.DataObject, seed: int) -> None:
    random = Random(seed)
    messages = data.draw(st.lists(TOPICS[topic], min_size=1, max_size=3))
    agrees(topic, [odd(encode(message), random) for message in messages for _ in range(6)])


CORRECTED = OutcomeCorrected(
    impression_id="i1", row=0, slot=0, user_id="u1", card_id="c1", stream_event_id="s1", shown_ms=0, corrected_ms=5,
    previous_ms=0, played_ms=60_000, stream_count=1, generation=1, user_weights=(0.75, 0.25),
)  # fmt: skip
CREDITED = msgspec.structs.replace(
    CORRECTED, rewards="static,mean", credits=(1.0, 0.0, 0.1234, 1.0), previous_credits=(0.0, 0.0, 0.0, 0.5)
)
EARNED = [
    msgspec.structs.replace(
        outcome(weights=(0.5, 0.5), played_ms=at), rewards="static,mean", credits=(1.0, 0.0, 0.25, 0.5) if at else ()
    )
    for at in range(3)
]
ORDINARY: dict[str, Sequence[Any]] = {
    "interactions": [
        Interactions.of(
            "listeners/0",
            [Interaction(event_id=f"s{at}", user_id="u", card_id="c", event_ms=at, played_ms=7) for at in range(3)],
        )
    ],
    "outcomes": [
        CORRECTED,
        CREDITED,
        *by_card(EARNED),
        *by_card([outcome(weights=(0.123456, 0.876544), played_ms=at) for at in range(3)]),
        *by_card([outcome(card_id="c2", weights=()), outcome(card_id="c2", weights=(3e-6, 1.25e-5, 0.9999845))]),
    ],
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("seed", range(4))
def test_ordinary_messages_spoiled_in_many_ways_are_told_apart(topic: str, seed: int) -> None:
    random = Random(seed)
    values = [odd(encode(one), random) for one in ORDINARY[topic] for _ in range(3_000)]
    asked, aside = agrees(topic, values)
    assert 0 < len(aside) < len(asked) < len(values), "some of all three kinds are there"


@pytest.mark.parametrize("topic", TOPICS)
def test_of_ordinary_messages_nothing_is_declined(topic: str) -> None:
    assert agrees(topic, [encode(one) for one in ORDINARY[topic]]) == ([], [])


def test_a_weight_with_all_digits_of_a_double_is_read_to_the_last_bit() -> None:
    third = 1.0 / 3.0
    rows = [outcome(weights=(third, 1.0 - third)), outcome(weights=(1e-7, 1.0 - 1e-7))]
    columns = outcomes_of(by_card(rows))
    assert columns.weights.tolist() == [third, 1.0 - third, 1e-7, 1.0 - 1e-7]


def test_weights_of_every_form_are_the_doubles_that_python_reads() -> None:
    random = Random(5)
    parts = [
        random.choice((random.random(), random.random() ** 9, 10.0 ** -random.randrange(1, 24))) for _ in range(6_000)
    ]
    for decimals in (4, 6, 9, 15, 16, 22):
        rounded = [round(part, decimals) for part in parts]
        rows = [(part, round(1.0 - part, 15)) for part in rounded]
        columns = outcomes_of(by_card([outcome(weights=row) for row in rows]))
        assert columns.weights.tolist() == [one for row in rows for one in row]
