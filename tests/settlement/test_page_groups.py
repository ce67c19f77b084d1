"""The soft group of a page is that of the plays that had ended when it was shown, however the events were cut."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.impressions import Impression
from schemas.outcomes import OutcomesSettled
from schemas.stream_ends import StreamEnd
from tests.builders import impression, stream_end
from tests.tasks.test_cores import Kept
from tests.tasks.test_crediting import blocks

SETTINGS = ListenersSettings(settlement=SettlementSettings(lateness_ms=1_000, horizon_ms=5_000, plays_max=3))


def event(kind: str, at: int, seconds: int, user: str) -> Impression | StreamEnd:
    name = f"{kind}-{user}-{at}"
    if kind == "page":
        return impression(event_id=name, user_id=user, event_ms=at)
    return stream_end(event_id=name, user_id=user, started_ms=at, event_ms=at, played_ms=1_000 * seconds)


HISTORIES = st.lists(
    st.builds(
        event,
        st.sampled_from(["page", "stream", "stream"]),
        st.integers(0, 4_000),
        st.sampled_from([1, 90, 3_000]),
        st.sampled_from(["ann", "bob"]),
    ),
    max_size=16,
    unique_by=lambda one: one.event_id,
)


def groups(batches: Sequence[Sequence[Impression | StreamEnd]]) -> dict[str, tuple[float, ...]]:
    """By page, the soft group that its outcome tells; the worker dies after every batch."""
    core, kept, found = Listeners(SETTINGS, source="l"), Kept(), {}
    core.learned.put_co_clusters(blocks(60, 3_000))
    end = [impression(event_id="end", user_id="end", event_ms=50_000)]
    for batch in (*batches, [*end, stream_end(event_id="end", user_id="end", started_ms=50_000, event_ms=50_000)]):
        core.impressions([(0, one) for one in batch if isinstance(one, Impression)])
        core.stream_ends([(0, one) for one in batch if isinstance(one, StreamEnd)])
        for message in core.conclude().everything():
            if isinstance(message, OutcomesSettled):
                found.update({one.impression_id: one.user_weights for one in message.outcomes()})
        kept.keep(core.changed_rows())
        learned, core = core.learned, Listeners(SETTINGS, source="l", learned=core.learned)
        core.restore(list(kept.rows.items()))
        assert core.learned is learned
    return found


@settings(max_examples=40)
@given(history=HISTORIES, cuts=st.lists(st.integers(0, 16), max_size=4), order=st.randoms())
def test_batches_and_order_change_no_group(
    history: list[Impression | StreamEnd], cuts: list[int], order: object
) -> None:
    in_time = sorted(history, key=lambda one: one.event_ms)
    shuffled = list(history)
    order.shuffle(shuffled)
    places = sorted({0, len(shuffled), *(cut for cut in cuts if cut < len(shuffled))})
    batches = [shuffled[first:last] for first, last in pairwise(places)]
    assert groups(batches) == groups([in_time])


@pytest.mark.parametrize("late", [False, True])
def test_what_ended_before_the_page_counts_and_what_ended_after_does_not(late: bool) -> None:
    page, before = event("page", 2_000, 0, "ann"), event("stream", 1_000, 3_000, "ann")
    after = event("stream", 3_000, 1, "ann")
    (alone,) = [weights for name, weights in groups([[before, page]]).items() if name != "end"]
    batches = [[page], [before, after]] if late else [[before, page, after]]
    assert groups(batches)[page.event_id] == alone
    assert groups([[page]])[page.event_id] != alone
