"""How long streams lasted before a change and since: from differences of co-clusters, whatever comes between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import TIME_BINS, bin_edges
from schemas.learning import CoClusters, TimeDistributions
from streams.console.views.drift_view import drift_page
from streams.pictures.time_windows import BYTES_MAX, GENERATIONS_MAX, POINTS_MAX, TimeWindows
from tests.console.told_records import SHORT_BINS, everything, incident, learned, record, state_of

CELL = (1, 2)


def told(counts: FloatArray, event_ms: int, generation: int = 1) -> CoClusters:
    """Co-clusters whose histograms are these [G, K, B]."""
    users, cards = counts.shape[:2]
    nothing = ((0.0,) * cards,) * users
    bounds_s = tuple(np.expm1(bin_edges()[1:]).tolist())
    histogram = tuple(tuple(map(tuple, row)) for row in counts.tolist())
    return CoClusters(
        generation=generation, version=1, event_ms=event_ms, user_prior=(1.0 / users,) * users,
        card_prior=(1.0 / cards,) * cards, mean=nothing, variance=((1.0,) * cards,) * users, count=nothing,
        global_mean=0.0, global_variance=1.0,
        times=TimeDistributions(
            bounds_s=bounds_s, log_total=nothing, log_squares=nothing, seconds_total=nothing, histogram=histogram,
            user_histogram=tuple(map(tuple, counts.sum(axis=1).tolist())),
            card_histogram=tuple(map(tuple, counts.sum(axis=0).tolist())),
        ),
    )  # fmt: skip


def streams(*, short: int = 0, long: int = 0) -> FloatArray:
    counts = np.zeros((2, 3, TIME_BINS))
    counts[*CELL, 5], counts[*CELL, 25] = short, long
    return counts


def test_streams_are_told_apart_by_when_they_came_and_a_recount_is_said_not_guessed() -> None:
    windows = TimeWindows()
    history = [(0, 100, 0), (10, 100, 40), (20, 100, 90), (30, 130, 90), (40, 80, 45), (50, 120, 45)]
    for event_ms, short, long in history:  # at 40 the older half was forgotten: what came with it is not known
        windows.take(told(streams(short=short, long=long), event_ms))
    found = windows.around(1, CELL, change_ms=25)
    assert found is not None
    before, since = found
    assert (before.counts[5], before.counts[25], before.from_ms, before.until_ms) == (0, 90, 0, 20)
    assert (since.counts[5], since.counts[25], since.from_ms, since.until_ms) == (70, 0, 20, 50)
    assert (before.recounts, since.recounts, since.messages) == (0, 1, 3)
    later = windows.around(1, CELL, change_ms=25, from_ms=10, until_ms=30)
    assert later is not None
    assert [one.streams for one in later] == [50, 30]


@pytest.mark.parametrize("change_ms", [-5, 5])
def test_who_came_after_the_change_knows_nothing_of_before(change_ms: int) -> None:
    windows = TimeWindows()
    for event_ms in (0, 10, 20):
        windows.take(told(streams(long=event_ms), event_ms))
    assert windows.around(1, CELL, change_ms=change_ms) is None
    assert windows.around(2, CELL, change_ms=15) is None
    assert windows.around(1, (9, 0), change_ms=15) is None


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=150))
def test_wherever_it_is_cut_and_whatever_was_thinned_no_stream_is_lost_or_counted_twice(
    steps: list[tuple[int, int, int]],
) -> None:
    windows, event_ms, short, long = TimeWindows(), 0, 0, 0
    windows.take(told(streams(), 0))
    for pause_ms, more_short, more_long in steps:
        event_ms, short, long = event_ms + pause_ms, short + more_short, long + more_long
        windows.take(told(streams(short=short, long=long), event_ms))
    found = windows.around(1, CELL, change_ms=event_ms - 1)
    if found is None:  # there was no message between the first one and the change
        assert len(steps) == 1
        return
    both = found[0].counts + found[1].counts
    assert (both[5], both[25]) == (short, long)
    assert found[0].until_ms == found[1].from_ms < event_ms
    assert found[1].messages + found[0].messages == len(steps)


@pytest.mark.parametrize(("shape", "points"), [((2, 3), POINTS_MAX), ((40, 60), BYTES_MAX // (4 * 2_400 * TIME_BINS))])
def test_memory_is_bounded_however_many_groups_and_messages_there_are(shape: tuple[int, int], points: int) -> None:
    windows, counts = TimeWindows(), np.zeros((*shape, TIME_BINS))
    for event_ms in range(points + 5):
        windows.take(told(counts, event_ms))
    assert windows.kept_bytes == points * 4 * counts.size <= BYTES_MAX
    for generation in range(2, GENERATIONS_MAX + 4):
        windows.take(told(counts, 0, generation))
    assert windows.kept_bytes == GENERATIONS_MAX * 4 * counts.size


def test_the_page_of_drift_shows_the_streams_of_before_and_since_with_every_threshold() -> None:
    page = drift_page(state_of(everything()))
    assert list(page.changes) == ["i1"], "the other one is about a share"
    figure = page.changes["i1"].figure
    assert figure is not None
    model = learned().model
    assert model.times is not None
    counts = np.array(model.times.histogram[1][2])
    short = counts[:SHORT_BINS].sum()
    since = {row["from"]: row["share"] for row in figure.spec["data"]["values"] if row["of"] != "before"}
    before = {row["from"]: row["share"] for row in figure.spec["data"]["values"] if row["of"] == "before"}
    shared = sum(share for at_s, share in list(since.items())[:-1] if at_s < 31.0)
    assert shared == pytest.approx(short / (short + 0.4 * counts[SHORT_BINS:].sum()), abs=0.01)
    assert not any(share for at_s, share in list(before.items())[:-1] if at_s < 31.0)
    thresholds = [
        row for layer in figure.spec["layer"] for row in layer.get("data", {}).get("values", ()) if "reward" in row
    ]
    assert {row["reward"] for row in thresholds} <= set(model.thresholds_s)
    assert [row["threshold"] for row in thresholds] == [model.thresholds_s[row["reward"]][1][2] for row in thresholds]
    assert "01 Jan 01:00 to 01 Jan 01:56" in figure.note
    assert "without those of 1 of 2 messages" in figure.note


def test_without_streams_of_before_it_is_said_why_and_what_to_do() -> None:
    state = state_of([*learned().records, record("drift-incidents", "i1", incident())])
    [shown] = drift_page(state).changes.values()
    assert shown.figure is None
    assert "A console that runs while the next change happens" in shown.why_not
