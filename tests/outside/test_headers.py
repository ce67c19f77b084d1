"""What a sender puts beside the value is data: it travels untouched, and is no reason to end."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.listeners_settings import ListenersSettings
from schemas.dead_letters import DeadLetter, Header, own_headers
from streams.exactly_once.records.headers import decoded, encoded
from streams.exactly_once.records.read_records import ReadRecord, Records
from streams.tasks.listeners_task import ListenersTask
from tests.outside.records import HEADERS, KEYS, STAMPS, VALUES
from tests.settlement.facts import event_counts

NOW_MS = 1_700_000_100_000
RECORDS = st.lists(st.tuples(st.integers(0, 3), STAMPS, KEYS, VALUES, HEADERS), min_size=1, max_size=12)


@given(HEADERS)
def test_headers_are_written_as_they_were_read(headers: list[Header]) -> None:
    assert decoded(encoded(headers)) == tuple(headers)
    assert encoded(decoded(encoded(headers))) == encoded(headers)


@given(HEADERS)
def test_a_dead_letter_keeps_them_all_however_often_it_is_tried(headers: list[Header]) -> None:
    letter = DeadLetter(topic="impressions", partition=3, offset=9, timestamp_ms=-1, reason="empty", detail="d")
    once = letter.headers(headers)
    assert tuple(own_headers(once)) == tuple(own_headers(headers))
    assert letter.headers(once) == once
    assert DeadLetter.from_headers(once) == letter


@given(st.sampled_from(("impressions", "stream-ends")), RECORDS)
def test_a_listeners_task_takes_each_record_or_sets_it_aside_untouched(
    topic: str, drawn: Sequence[tuple[int, int, bytes | None, bytes, list[Header]]]
) -> None:
    partition = drawn[0][0]
    records = Records.of(
        ReadRecord(topic, partition, offset, stamp_ms, key, value, tuple(headers))
        for offset, (_, stamp_ms, key, value, headers) in enumerate(drawn)
    )
    records.fetched_ms = NOW_MS
    task = ListenersTask(ListenersSettings(), partition, 4)
    letters = {}
    for produced in task.process(topic, records):
        why = DeadLetter.from_headers(produced.headers)
        letters[why.offset] = produced
    task.tick(NOW_MS, ())
    assert list(task.conclude()) is not None
    counters = task.core.settlement.counters
    assert sum(count for name, count in counters.items() if name.startswith("dead_letters_")) == len(letters)
    for offset, letter in letters.items():
        _, stamp_ms, key, value, headers = drawn[offset]
        assert (letter.topic, letter.partition, letter.key, letter.value) == (f"{topic}.dlq", partition, key, value)
        assert tuple(own_headers(letter.headers)) == tuple(own_headers(headers))
        assert DeadLetter.from_headers(letter.headers).timestamp_ms == stamp_ms
    kind = "impressions" if topic == "impressions" else "streams"
    accepted = sum(event_counts(task.core.settlement).values())
    assert len(records) == len(letters) + accepted + counters[f"{kind}_duplicate"] + counters[f"{kind}_too_late"]
