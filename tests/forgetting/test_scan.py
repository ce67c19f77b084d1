"""What compaction keeps of a listener is told from what leaves by itself; keys and partitions are told apart."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import TOPICS
from streams.auditing.reading import LogRecord
from streams.forgetting.scan import Found, scanned
from streams.forgetting.traces import Traces

RANKINGS, OUTCOMES, STATE = TOPICS["shelf-rankings"], TOPICS["outcomes"], TOPICS["listeners-state"]
KEYS = (b"gone", b"gone@search", b"stays", b"goner")
VALUES = (None, b"{}", b'{"user_id":"gone"}', b'{"user_id":"goner"}')


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=40))
def test_what_is_kept_is_what_is_newest_and_names_her(written: list[tuple[int, bytes, bytes | None]]) -> None:
    records = [LogRecord("shelf-rankings", part, at, key, value) for at, (part, key, value) in enumerate(written)]
    found = scanned(RANKINGS, Traces(["gone"]), records)
    newest = {(part, key): value for part, key, value in written}
    present = {place: value for place, value in newest.items() if value is not None}

    def names(key: bytes, value: bytes | None) -> bool:
        return key in {b"gone", b"gone@search"} or value == b'{"user_id":"gone"}'

    assert (found.records, found.latest) == (len(written), len(present))
    assert found.kept == sum(names(key, value) for (_, key), value in present.items())
    assert found.kept + found.leaving == sum(names(key, value) for _, key, value in written)
    assert list(found.where) == sorted(key for (_, key), value in present.items() if names(key, value))


def test_a_topic_that_is_not_compacted_keeps_nothing_and_says_when_it_goes() -> None:
    records = [
        LogRecord("outcomes", 0, 0, b"card", b'{"user_id":["gone","stays"]}'),
        LogRecord("outcomes", 0, 1, b"c", b"{}"),
    ]
    found = scanned(OUTCOMES, Traces(["gone"]), records)
    assert (found.records, found.latest, found.kept, found.leaving) == (2, 0, 0, 1)
    assert found.leaves == "by retention, after 7 days"
    assert "by retention" in found.line()


def test_headers_are_looked_at_and_rows_of_state_by_their_own_rule() -> None:
    row = LogRecord("listeners-state", 0, 0, b"l/stays", b"\x00\x07\x00" + b"asked-to-go" + b"\x00", [("why", b"gone")])
    found: Found = scanned(STATE, Traces(["asked-to-go"]), [row])
    assert found.kept == scanned(STATE, Traces(["gone"]), [row]).kept == 1
    assert scanned(STATE, Traces(["nobody"]), [row]).kept == 0
