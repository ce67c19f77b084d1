"""Signals are what outcomes say, listener by listener; cuts and crashes change neither them nor what follows."""

from collections import Counter
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from msgspec import Struct
from msgspec.structs import replace

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.metrics.cells import NOBODY
from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from processors.ranking.learned import Learned
from processors.settlement.settings import SettlementSettings
from schemas.impressions import Impression
from schemas.metric_signals import SIGNALS, MetricSignals, SignalsForgotten
from schemas.metric_windows import MetricWindow
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from schemas.stream_ends import StreamEnd
from tests.builders import impression, stream_end
from tests.leaderboard.test_shadow import CARDS, HISTORIES, listeners, pass_time
from tests.settlement.test_settlement import PLACES, cut
from tests.tasks.test_cores import Kept

MEASURED = MetricsSettings(enabled=True, window_ms=1_000, day_ms=4_000, history_ms=10**9)
CHOSEN = ListenersSettings(
    settlement=SettlementSettings(lateness_ms=1_000, horizon_ms=5_000, correction_ms=30_000, plays_max=3),
    metrics=MEASURED,
)
Key = tuple[str, str, int]


def expected(messages: Iterable[Struct]) -> dict[Key, Counter[str]]:
    """Signals of each listener, surface and window, recomputed from outcomes one by one."""
    found: dict[Key, Counter[str]] = {}
    pages: set[tuple[str, str]] = set()
    slots: dict[tuple[str, str, int, int], tuple[Key, int]] = {}
    for message in messages:
        if isinstance(message, OutcomesSettled):
            for one in message.outcomes():
                key = (one.user_id, one.logged.surface, one.shown_ms // 1_000 * 1_000)
                own = found.setdefault(key, Counter())
                own["pages"] += (one.user_id, one.impression_id) not in pages
                pages.add((one.user_id, one.impression_id))
                slots[one.user_id, one.impression_id, one.row, one.slot] = (key, one.slot)
                own["exposures"] += 1
                own["exposures_1"] += one.slot < 1
                own["exposures_3"] += one.slot < 3
                _played(own, one.slot, 0, one.played_ms)
        elif isinstance(message, OutcomeCorrected):
            key, slot = slots[message.user_id, message.impression_id, message.row, message.slot]
            _played(found[key], slot, message.previous_ms, message.played_ms)
    return found


def _played(own: Counter[str], slot: int, before_ms: int, now_ms: int) -> None:
    own["played"] += (now_ms > 0) - (before_ms > 0)
    reached = (now_ms >= 30_000) - (before_ms >= 30_000)
    own["streamed"] += reached
    own["streamed_1"] += reached * (slot < 1)
    own["streamed_3"] += reached * (slot < 3)
    own["played_ms"] += now_ms - before_ms


def told(messages: Iterable[Struct]) -> dict[Key, Counter[str]]:
    found: dict[Key, Counter[str]] = {}
    for message in messages:
        if isinstance(message, MetricSignals):
            for row in message.rows():
                own = found.setdefault((row.user_id, row.logged.surface, row.window_ms), Counter())
                own.update(dict(zip(SIGNALS, row.signals, strict=True)))
    return found


def run(batches: Sequence[Sequence[Impression | StreamEnd]], *, restart: bool) -> list[Struct]:
    """What the listeners task writes; it may die after every batch."""
    core, kept, learned = listeners(CHOSEN), Kept(), None
    messages: list[Struct] = []
    for batch in (*batches, []):
        core.impressions([(0, one) for one in batch if isinstance(one, Impression)])
        core.stream_ends([(0, one) for one in batch if isinstance(one, StreamEnd)])
        messages += core.conclude().everything()
        kept.keep(core.changed_rows())
        if restart:
            learned = core.learned
            core = Listeners(CHOSEN, source="listeners/0", learned=learned)
            core.restore(list(kept.rows.items()))
    return messages + pass_time(core, 60_000)


@settings(max_examples=40, deadline=None)
@given(HISTORIES, PLACES)
def test_signals_are_what_outcomes_say_however_events_are_cut(
    history: list[Impression | StreamEnd], places: list[int]
) -> None:
    arrived = [
        replace(one, surface="search") if isinstance(one, Impression) and one.event_ms % 3 == 0 else one
        for one in sorted(history, key=lambda one: one.event_ms)
    ]
    whole = run([arrived], restart=False)
    assert told(whole).keys() == expected(whole).keys()
    for key, own in expected(whole).items():
        assert {name: count for name, count in told(whole)[key].items() if name != "discovered"} == {
            name: own[name] for name in SIGNALS if name != "discovered"
        }
    for restart in (False, True):
        assert told(run(cut(arrived, places), restart=restart)) == told(whole)


def test_discoveries_are_exposures_of_cards_that_were_not_streamed_before() -> None:
    core = listeners(CHOSEN)
    core.stream_ends([(0, stream_end(card_id=CARDS[0], started_ms=0, event_ms=50))])
    core.impressions([(0, impression(event_ms=100, cards=CARDS[:3]))])
    found = told([*core.conclude().everything(), *pass_time(core, 10_000)])
    assert found["u1", "home", 0]["discovered"] == 2


def test_nothing_is_told_unless_metrics_are_enabled() -> None:
    core = Listeners(
        ListenersSettings(settlement=CHOSEN.settlement), source="listeners/0", learned=Learned(("static",))
    )
    core.impressions([(0, impression(event_ms=100))])
    core.forget("u2")
    messages = [*core.conclude().everything(), *pass_time(core, 10_000)]
    assert any(isinstance(message, OutcomesSettled) for message in messages)
    assert not any(isinstance(message, MetricSignals | SignalsForgotten) for message in messages)


def windows(metrics: Metrics) -> dict[str, MetricWindow]:
    return {one.key: one for one in metrics.publish().messages if isinstance(one, MetricWindow)}


def test_a_listener_who_is_forgotten_leaves_her_sums_without_her_name() -> None:
    core = listeners(CHOSEN)
    pages = [impression(event_id=f"i-{user}", user_id=user, event_ms=100) for user in ("ann-1", "bob-1")]
    core.impressions(list(enumerate(pages)))
    core.conclude()
    messages = pass_time(core, 10_000)
    metrics, kept = Metrics(MEASURED), Kept()
    metrics.take([one for one in messages if isinstance(one, MetricSignals)])
    before = windows(metrics)
    kept.keep(metrics.changed_rows())
    assert any(b"ann-1" in value for value in kept.rows.values())
    core.forget("ann-1")
    forgotten = [one for one in core.conclude().everything() if isinstance(one, SignalsForgotten)]
    assert [one.user_id for one in forgotten] == ["ann-1"]
    metrics.take(forgotten)
    after = windows(metrics)
    kept.keep(metrics.changed_rows())
    assert not any(b"ann-1" in key + value for key, value in kept.rows.items())
    assert {key: one.sums for key, one in after.items()} == {key: one.sums for key, one in before.items()}
    again = Metrics(MEASURED)
    again.restore(list(kept.rows.items()))
    assert again.cells.users.find(NOBODY) is not None
    assert windows(again).keys() <= before.keys()
