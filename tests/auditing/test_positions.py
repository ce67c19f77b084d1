"""A position that went back, went too far or came twice is named at once, by task, transaction and offsets."""

import orjson
import pytest

from streams.audit_rules import audit_rules
from streams.auditing.books import READING_ORDER, STATES
from streams.auditing.judging import judge
from streams.auditing.reading import LogRecord
from streams.settings import Settings

Spans = list[tuple[int, int, int]]


def found(spans: Spans) -> tuple[str, ...]:
    """What the audit says of one task's transactions: number, first offset, next offset."""
    records = [
        LogRecord("cards-state", 2, offset, b"__position__", orjson.dumps(row))
        for offset, (number, start, end) in enumerate(spans)
        for row in [{"transaction": number, "inputs": {"outcomes": (start, end)}, "outputs": {}}]
    ]
    audit = judge(records, READING_ORDER, audit_rules(Settings()))
    return next((finding.examples for finding in audit.findings if finding.check == "positions_broken"), ())


@pytest.mark.parametrize(
    "spans",
    [
        [(1, 0, 10), (2, 10, 10), (3, 10, 25)],
        [(7, 40, 50), (8, 50, 60)],
        [(1, 0, 10), (5, 30, 40)],
    ],
    ids=["in a row", "the first ones compacted away", "some compacted away"],
)
def test_transactions_that_follow_each_other_hold(spans: Spans) -> None:
    assert found(spans) == ()


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([(1, 0, 200), (2, 50, 300)], "cards-2: transaction 2 begins at outcomes-2 offset 50: 50 to 199 count twice"),
        ([(1, 0, 200), (9, 50, 300)], "cards-2: transaction 9 begins at outcomes-2 offset 50: 50 to 199 count twice"),
        ([(1, 0, 9), (2, 12, 15)], "cards-2: transaction 2 begins at outcomes-2 offset 12: 9 to 11 were not processed"),
        ([(1, 0, 9), (2, 9, 15), (2, 15, 20)], "cards-2: transaction 2 was committed after transaction 2"),
    ],
    ids=["went back", "went back behind a gap", "went too far", "numbered twice"],
)
def test_a_broken_position_is_named_by_task_transaction_and_offsets(spans: Spans, told: str) -> None:
    assert found(spans) == (told,)


def test_state_is_read_for_its_positions_only() -> None:
    records = [LogRecord(topic, 0, 0, b"row", b"\xff not for the auditor") for topic in STATES]
    assert judge(records, READING_ORDER, audit_rules(Settings())).holds
