"""Latencies: from when a stream-end is due to the first ranking that knows of it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.benchmarks.bench_brokers import Backend
from streams.benchmarks.bench_traffic import TrafficSettings
from streams.benchmarks.latency.answers import RANKINGS_KEPT, Answers
from streams.benchmarks.latency.latency import LatencySettings, bench_latency
from streams.settings import Settings

RANKED = st.lists(st.integers(0, 9), min_size=1, max_size=RANKINGS_KEPT).map(sorted)


@given(known=RANKED, acknowledged=st.lists(st.integers(0, RANKINGS_KEPT), min_size=10, max_size=10).map(sorted))
def test_each_stream_end_counts_to_its_first_ranking_however_late_its_acknowledgement(
    known: Sequence[int], acknowledged: Sequence[int]
) -> None:
    answers, told = Answers(), 0
    for number in range(len(known) + 1):
        while told < len(acknowledged) and acknowledged[told] <= number:
            answers.sent("u", offset=told, due_s=0.0)
            told += 1
        if number < len(known):
            answers.ranked("u", known_offset=known[number], at_s=float(number + 1))
    while told < len(acknowledged):
        answers.sent("u", offset=told, due_s=0.0)
        told += 1
    first = [next((at_s for at_s, upto in enumerate(known, 1) if upto >= offset), None) for offset in range(10)]
    assert sorted(answers.latencies_s) == sorted(at_s for at_s in first if at_s is not None)
    assert answers.waiting_count == first.count(None)


@pytest.mark.slow
def test_every_stream_end_is_followed_by_a_ranking_and_the_audit_holds() -> None:
    asked = LatencySettings(
        shares=(0.5, 2.0), seconds=2.0, warm_up_s=1.0, sustained=300.0, traffic=TrafficSettings(users=50, pages=400)
    )
    lines: list[str] = []
    found = bench_latency(Settings(log_level="warning"), Backend.EMBEDDED, asked, lines.append)
    assert found["audit_holds"], found["audit"]
    assert list(found["rates"]) == ["0.5", "2"]
    for share, row in found["rates"].items():
        assert row["never_followed"] == 0
        assert row["stream_ends"] > 100 * float(share)
        assert 0.0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"]
    assert lines[-1] == "auditing 1,575 events"
