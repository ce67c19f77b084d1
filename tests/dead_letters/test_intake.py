"""What becomes of a record that cannot be read."""

from collections import Counter

from aiokafka import ConsumerRecord

from schemas.dead_letters import DeadLetter
from streams.tasks.intake import Intake

VALUE = b'{"type":"impression.v1","event_id":'


def record(*headers: tuple[str, bytes]) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        topic="impressions",
        partition=3,
        offset=41,
        timestamp=1_700_000_000_000,
        timestamp_type=0,
        key=b"\xffu1",
        value=VALUE,
        checksum=None,
        serialized_key_size=3,
        serialized_value_size=len(VALUE),
        headers=headers,
    )


def test_it_is_set_aside_untouched_with_its_source_and_its_own_headers() -> None:
    reasons: Counter[str] = Counter()
    read, [letter] = Intake(lambda reason: reasons.update([reason])).read("impressions", [record(("trace", b"7"))])
    assert read == []
    assert reasons == {"not_json": 1}
    assert (letter.topic, letter.partition, letter.key, letter.value) == ("impressions.dlq", 3, b"\xffu1", VALUE)
    assert letter.headers[0] == ("trace", b"7")
    why = DeadLetter.from_headers(letter.headers)
    assert (why.topic, why.partition, why.offset, why.timestamp_ms) == ("impressions", 3, 41, 1_700_000_000_000)
    assert (why.reason, why.attempt) == ("not_json", 1)


def test_a_second_failure_counts_the_attempt_and_names_the_newest_source() -> None:
    intake = Intake(lambda _: None)
    _, [first] = intake.read("impressions", [record(("trace", b"7"))])
    _, [second] = intake.read("impressions", [record(*first.headers)])
    assert DeadLetter.from_headers(second.headers).attempt == 2
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers], "no header twice"
