"""The pure cores of the tasks: a crash anywhere, and any batching, changes nothing."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import stats

from processors.cards import Cards
from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.codec import encode
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.learning import CoClusters
from schemas.monitoring import BlockEvidence, EngagementSums
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, OutcomesSettled, one_by_one
from schemas.rankings import ShelfRanking
from tests.builders import by_card, card, impression, outcome, stream_end
from tests.settlement.facts import event_counts
from tests.settlement.test_settlement import PLACES, cut, histories

T = TypeVar("T")
REWARDS = ("static", "mean")


class Kept:
    """State rows as a compacted topic keeps them."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def keep(self, changed: Iterable[tuple[bytes, bytes | None]]) -> None:
        for key, value in changed:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value


def co_clusters(generation: int = 1, version: int = 1, groups: int = 2) -> CoClusters:
    flat = tuple((5.0,) for _ in range(groups))
    return CoClusters(
        generation=generation,
        version=version,
        event_ms=0,
        user_prior=(1.0 / groups,) * groups,
        card_prior=(1.0,),
        mean=flat,
        variance=tuple((1.0,) for _ in range(groups)),
        count=tuple((1.0,) for _ in range(groups)),
        global_mean=5.0,
        global_variance=1.0,
    )


outcomes_lists = st.lists(
    st.builds(
        lambda card_id, seconds, weight: outcome(
            card_id=card_id, played_ms=seconds * 1_000, weights=(weight, 1.0 - weight), generation=1
        ),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from([0, 0, 5, 40, 400, 4_000]),
        st.sampled_from([0.0, 0.25, 1.0]),
    ),
    max_size=30,
)


def cards(history: Iterable[Sequence[OutcomeSettled]], kept: Kept | None = None) -> Cards:
    core = Cards(REWARDS)
    core.put_co_clusters(co_clusters())
    for batch in history:
        if kept is not None:
            core = Cards(REWARDS)
            core.restore(kept.rows.items())
            core.put_co_clusters(co_clusters())
        core.outcomes(by_card(batch))
        if kept is not None:
            kept.keep(core.changed_rows())
    return core


def published(core: Cards) -> dict[str, bytes]:
    return {name: encode(core.table.message(name)) for name in sorted(core.table.row)}


@given(outcomes_lists, PLACES)
def test_card_statistics_do_not_depend_on_batches_nor_on_crashes(
    history: list[OutcomeSettled], places: list[int]
) -> None:
    whole = published(cards([history]))
    assert published(cards(_cut(history, places))) == whole
    assert published(cards(_cut(history, places), Kept())) == whole


def _cut(history: Sequence[T], places: Iterable[int]) -> list[Sequence[T]]:
    edges = [0, *sorted(place % (len(history) + 1) for place in places), len(history)]
    return [history[a:b] for a, b in pairwise(edges)]


@given(outcomes_lists, st.integers(0, 30))
def test_what_two_partitions_learned_adds_up(history: list[OutcomeSettled], place: int) -> None:
    whole, first, second = cards([history]), cards([history[:place]]), cards([history[place:]])
    for name, row in whole.table.row.items():
        parts = [core.table.exposures[core.table.row[name]] for core in (first, second) if name in core.table.row]
        np.testing.assert_allclose(whole.table.exposures[row], sum(parts), atol=1e-9)


@given(outcomes_lists)
def test_statistics_equal_rivers(history: list[OutcomeSettled]) -> None:
    core = cards([history])
    for name, row in core.table.row.items():
        for group in range(2):
            mean: Any = stats.Mean()
            for message in history:
                if message.card_id == name and message.user_weights[group] > 0.0:
                    mean.update(float(message.played_ms >= 30_000), message.user_weights[group])
            count, total = core.table.exposures[row, group], core.table.total[row, 0, group]
            if count > 0.0:
                assert total / count == pytest.approx(mean.get(), abs=1e-9)


def test_a_correction_replaces_what_was_counted() -> None:
    core = cards([[outcome(played_ms=0, weights=(1.0, 0.0), generation=1)]])
    corrected = OutcomeCorrected(
        impression_id="i1",
        row=0,
        slot=0,
        user_id="u1",
        card_id="c1",
        stream_event_id="s1",
        shown_ms=0,
        corrected_ms=5,
        previous_ms=0,
        played_ms=60_000,
        stream_count=1,
        generation=1,
        user_weights=(1.0, 0.0),
    )
    core.outcomes([corrected])
    message = core.table.message("c1")
    assert (message.exposures, message.rewards["static"].total) == ((1.0, 0.0), (1.0, 0.0))


def test_a_new_generation_carries_the_statistics_over() -> None:
    core = cards([[outcome(played_ms=60_000, weights=(1.0, 0.0), generation=1)]])
    core.put_co_clusters(co_clusters(generation=2, version=2, groups=4))
    message = core.table.message("c1")
    assert message.generation == 2
    assert message.exposures == (0.25,) * 4
    core.outcomes(by_card([outcome(played_ms=0, weights=(1.0, 0.0), generation=1)]))
    assert sum(core.table.message("c1").exposures) == pytest.approx(2.0)


LISTENERS = ListenersSettings(
    settlement=SettlementSettings(horizon_ms=100, attribution_ms=100, correction_ms=1_000, lateness_ms=50, plays_max=3)
)


def listeners_outputs(
    batches: Iterable[Sequence[Any]], kept: Kept | None = None
) -> tuple[list[bytes], dict[str, bytes]]:
    """All settled facts, and the newest ranking of every listener; concluded at the end, or (kept) at each batch."""
    core = _listeners()
    messages: list[Any] = []
    offset = {Impression: 0, object: 0}
    for batch in batches:
        if kept is not None:
            core = _listeners()
            core.restore(kept.rows.items())
        for kind, take in ((Impression, core.impressions), (object, core.stream_ends)):
            chosen = [event for event in batch if isinstance(event, Impression) == (kind is Impression)]
            arrivals = [(offset[kind] + number, event) for number, event in enumerate(chosen)]
            offset[kind] += len(chosen)
            take(arrivals)
        if kept is not None:
            messages += core.conclude().everything()
            kept.keep(core.changed_rows())
    messages += core.conclude().everything()
    outcomes = one_by_one(m for m in messages if isinstance(m, OutcomesSettled | OutcomeCorrected))
    interactions = [one for m in messages if isinstance(m, Interactions) for one in m.interactions()]
    newest = {m.user_id: encode(m) for m in messages if isinstance(m, ShelfRanking)}
    return sorted(map(encode, [*outcomes, *interactions])), newest


def _listeners() -> Listeners:
    core = Listeners(LISTENERS, source="listeners/0")
    for number in range(4):
        core.learned.put_card(f"c{number}", card(f"c{number}"))
    core.learned.put_co_clusters(co_clusters())
    return core


@settings(max_examples=60)
@given(histories(), PLACES, st.lists(st.integers(0, 5_000), min_size=6, max_size=6))
def test_pages_put_off_while_catching_up_are_made_in_the_end_also_after_crashes(
    events: list[Any], places: list[int], lags: list[int]
) -> None:
    kept, newest = Kept(), {}
    for number, (batch, lag_ms) in enumerate(zip(cut(events, places), lags, strict=False)):
        core = _listeners()
        core.restore(kept.rows.items())
        core.impressions([(0, event) for event in batch if isinstance(event, Impression)])
        core.stream_ends([(0, event) for event in batch if not isinstance(event, Impression)])
        core.tick(400 * number, ("impressions",), lag_ms)
        for pages in (core.conclude().pages, core.conclude().pages):
            newest |= {m.user_id: m.ranking_number for each in pages for m in each.messages()}
        kept.keep(core.changed_rows())
    core = _listeners()
    core.restore(kept.rows.items())
    core.tick(10_000)
    newest |= {m.user_id: m.ranking_number for each in core.conclude().pages for m in each.messages()}
    assert newest == event_counts(core.settlement)


def test_who_catches_up_makes_pages_now_and_then_and_who_reads_along_at_once() -> None:
    core = _listeners()

    def pages_after(event_ms: int, wall_ms: int, lag_ms: int) -> int:
        core.impressions([(event_ms, impression(event_id=f"i{event_ms}", event_ms=event_ms))])
        core.tick(wall_ms, ("impressions",), lag_ms)
        return sum(len(pages.requests) for pages in core.conclude().pages)

    assert [pages_after(1, 50_000, 60_000), pages_after(2, 59_000, 60_000)] == [1, 0]
    assert [pages_after(3, 60_000, 60_000), pages_after(4, 60_100, 1_400)] == [1, 0]
    assert [pages_after(5, 60_200, 1_400), pages_after(6, 60_201, 1_000)] == [1, 1]


@settings(max_examples=60)
@given(histories(), PLACES)
def test_outputs_of_listeners_are_those_of_an_undisturbed_run(events: list[Any], places: list[int]) -> None:
    end = [
        impression(event_id="end", user_id="clock", event_ms=9_000, cards=()),
        stream_end(event_id="end", user_id="clock", started_ms=9_000, event_ms=9_000),
    ]
    whole = listeners_outputs([events, end])
    assert listeners_outputs([*cut(events, places), end]) == whole
    assert listeners_outputs([*cut(events, places), end], Kept()) == whole


def sums(bucket: int, mean: float, source: str = "listeners/0") -> EngagementSums:
    count = 25.0
    return EngagementSums(
        source=source,
        bucket_ms=bucket * 600_000,
        watermark_ms=bucket * 600_000 + 1,
        generation=1,
        variant=("learning",),
        user_group=(0,),
        card_group=(0,),
        exposures=(100.0,),
        streamed=(20.0,),
        streams=(count,),
        played_s=(1_000.0,),
        log_total=(count * mean,),
        log_squares=(count * (mean**2 + 1.0),),
        evidence=BlockEvidence(
            streams=((count,),),
            squares=((count,),),
            log_total=((count * mean,),),
            residual_total=((count * (mean - 5.0),),),
            residual_squares=((count * ((mean - 5.0) ** 2 + 1.0),),),
        ),
        counters={"streams_organic": 1},
    )


MEANS = [5.0, 5.1, 4.9, 5.0, 5.05, 4.95, 5.0, 5.1, 5.0, 4.9, 3.0, 3.0, 3.1, 2.9, 3.0, 3.0, 3.1, 2.9, 3.0]
DRIFT = DriftSettings(false_alarms_per_million=100.0)  # few events


def monitored(history: Iterable[Sequence[EngagementSums]], kept: Kept | None = None) -> list[bytes]:
    core = EngagementMonitor(DRIFT)
    core.put_co_clusters(co_clusters())
    messages: list[bytes] = []
    for batch in history:
        if kept is not None:
            core = EngagementMonitor(DRIFT)
            core.restore(kept.rows.items())
            core.put_co_clusters(co_clusters())
        messages.extend(encode(message) for message in core.engagement(batch))
        if kept is not None:
            kept.keep(core.changed_rows())
    return messages


@given(PLACES)
def test_the_watch_says_the_same_after_any_crash(places: list[int]) -> None:
    history = [sums(bucket, mean) for bucket, mean in enumerate(MEANS)]
    whole = monitored([history])
    assert any(b"drift-alert" in message for message in whole)
    assert monitored(_cut(history, places), Kept()) == monitored(_cut(history, places))
    assert [m for m in monitored(_cut(history, places)) if b"drift-alert" in m] == [
        m for m in whole if b"drift-alert" in m
    ]


def test_a_new_generation_starts_the_monitors_anew() -> None:
    core = EngagementMonitor(DriftSettings())
    list(core.engagement([sums(bucket, 5.0) for bucket in range(9)]))
    core.put_co_clusters(co_clusters(generation=2))
    later = [_of_generation(sums(bucket, 3.0), 2) for bucket in range(9, 15)]
    assert not [message for message in core.engagement(later) if b"drift-alert" in encode(message)]


def _of_generation(message: EngagementSums, generation: int) -> EngagementSums:
    import msgspec

    return msgspec.structs.replace(message, generation=generation)


def test_sums_that_come_after_their_bucket_still_count() -> None:
    core = EngagementMonitor(DriftSettings(grace_ms=0))
    list(core.engagement([sums(0, 5.0), sums(2, 5.0)]))
    late = list(core.engagement([sums(0, 5.0, source="listeners/1"), sums(4, 5.0)]))
    assert core.counters["engagement_late"] == 1
    exposures = sum(m.exposures for m in late if getattr(m, "variant", "") == "learning")  # type: ignore[attr-defined]
    assert exposures == 200.0


MakeCore = Callable[[], Any]


@pytest.mark.parametrize("make", [lambda: Cards(REWARDS), lambda: EngagementMonitor(DriftSettings()), _listeners])
def test_nothing_changed_writes_nothing(make: MakeCore) -> None:
    core = make()
    list(core.changed_rows())
    assert list(core.changed_rows()) == []
