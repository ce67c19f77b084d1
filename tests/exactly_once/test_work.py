"""What a task does in one call, and in which order."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest

from streams.exactly_once.partitions.work import NOTHING, Done, Work, do
from streams.exactly_once.records.input_batch import Batch
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import ReadRecord, Records
from streams.exactly_once.task import Task

NOW_MS = 1_700_000_000_000


class Noting:
    """Puts out the name of each call, and a row for each conclusion."""

    def broadcast(self, topic: str, records: Sequence[Any]) -> Iterable[Produced]:
        return [Produced("calls", None, f"broadcast {topic} {len(records)}".encode())]

    def process(self, topic: str, records: Records) -> Iterable[Produced]:
        return [Produced("calls", None, f"process {topic} {len(records)}".encode())]

    def tick(self, now_ms: int, behind: Iterable[str]) -> Iterable[Produced]:
        return [Produced("calls", None, f"tick {now_ms - NOW_MS} {sorted(behind)}".encode())]

    def conclude(self) -> Iterable[Produced]:
        return [Produced("calls", None, b"conclude")]

    def changed(self) -> Iterable[StateRow]:
        return [StateRow(b"row", b"1")]


def batch(topic: str, count: int) -> Batch:
    return Batch(topic, 0, 0, 0, Records.of([ReadRecord(topic, 0, n, NOW_MS, None, b"") for n in range(count)]))


def done(work: Work, *, concludes: bool) -> tuple[Done, list[str]]:
    result = do(cast("Task", Noting()), work, lambda: NOW_MS, concludes=concludes)
    return result, [(cast("Produced", it).value or b"").decode() for it in result.produced]


WORK = Work([("models", [b""])], [batch("plays", 2), batch("pages", 1)], frozenset({"plays"}))


def test_what_was_announced_comes_first_and_the_conclusion_last() -> None:
    result, calls = done(WORK, concludes=True)
    assert calls == ["broadcast models 1", "process plays 2", "process pages 1", "tick 0 ['plays']", "conclude"]
    assert result.rows == [StateRow(b"row", b"1")]
    assert len(result.seconds) == 2


def test_without_a_conclusion_rows_stay_for_the_next_transaction() -> None:
    result, calls = done(WORK, concludes=False)
    assert calls[-1] == "tick 0 ['plays']"
    assert result.rows == []


@pytest.mark.parametrize("behind", [None, frozenset[str]()])
def test_the_clock_passes_also_where_no_input_has_a_backlog(behind: frozenset[str] | None) -> None:
    work = NOTHING._replace(behind=behind)
    assert work.is_empty == (behind is None)
    assert done(work, concludes=False)[1] == ([] if behind is None else ["tick 0 []"])
