"""Windows are sums over listeners, whatever order, partition, cut or crash; what is past leaves."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from schemas.metric_signals import SIGNALS, MetricSignals, SignalsForgotten
from schemas.metric_windows import MetricValue, MetricWindow
from tests.metrics.told_signals import Told, signals
from tests.tasks.test_cores import Kept

HOUR, DAY = 1_000, 4_000
SHORT = MetricsSettings(enabled=True, window_ms=HOUR, day_ms=DAY, history_ms=5 * DAY, cells_max=1_000)

ROWS = st.lists(
    st.builds(
        Told,
        user_id=st.sampled_from(["ann", "bob", "cid"]),
        window_ms=st.sampled_from([0, HOUR, 3 * HOUR, DAY, DAY + HOUR, 2 * DAY]),
        variant=st.sampled_from(["control", "all"]),
        surface=st.sampled_from(["home", "search"]),
        group=st.integers(0, 1),
        exposures=st.integers(1, 5),
        played=st.integers(0, 2),
        streamed=st.integers(-1, 2),
        played_ms=st.integers(0, 90_000),
        pages=st.integers(0, 2),
        discovered=st.just(0),
        assignments=st.just(""),
    ),
    min_size=1,
    max_size=24,
)


def published(metrics: Metrics) -> dict[str, MetricWindow]:
    return {one.key: one for one in metrics.publish().messages if isinstance(one, MetricWindow)}


def of_rows(rows: Sequence[Told], key: MetricWindow) -> list[Told]:
    """The rows that a window counts, chosen one by one."""
    names = {"all": {"control", "all"}, "~all": {"all"}, "control": {"control"}}[key.variant]
    end_ms = key.window_ms + key.window_length_ms
    return [
        row
        for row in rows
        if row.surface == key.surface
        and row.variant in names
        and key.window_ms <= row.window_ms < end_ms
        and key.user_group in {-1, row.group}
    ]


@settings(max_examples=25, deadline=None)
@given(ROWS, st.data())
def test_windows_are_the_sums_of_their_rows_in_any_order_and_from_any_partition(
    rows: list[Told], data: st.DataObject
) -> None:
    metrics = Metrics(SHORT)
    metrics.take([signals(rows)])
    found = published(metrics)
    for one in found.values():
        counted = of_rows(rows, one)
        assert one.sums[1] == sum(row.exposures for row in counted)
        assert one.sums[4] == sum(row.played_ms for row in counted)
        assert one.listeners == len({row.user_id for row in counted})
        assert sum(one.plays_by_group.values()) == sum(row.played for row in counted)
        assert len(one.sums) == len(SIGNALS)
    totals = [one for one in found.values() if (one.kind, one.variant, one.user_group) == ("window", "all", -1)]
    assert sum(one.sums[1] for one in totals) == sum(row.exposures for row in rows)
    mixed = data.draw(st.permutations(rows))
    places = data.draw(st.integers(0, len(rows)))
    other = Metrics(SHORT)
    other.take([signals(mixed[:places], source="listeners/1"), signals(mixed[places:])])
    again = published(other)
    assert {key: _exact(one) for key, one in again.items()} == {key: _exact(one) for key, one in found.items()}
    for key, one in found.items():
        for mine, its in zip(one.metrics, again[key].metrics, strict=True):
            assert (its.value, its.standard_error) == pytest.approx((mine.value, mine.standard_error), abs=1e-9)


def _exact(one: MetricWindow) -> tuple[object, ...]:
    return one.sums, one.listeners, one.plays_by_group, one.diversity, one.is_settled


@settings(max_examples=25, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=5), st.data())
def test_a_crash_changes_no_window_and_leaves_none_untold(batches: list[list[Told]], data: st.DataObject) -> None:
    messages = [signals(rows, settled_ms=number * DAY) for number, rows in enumerate(batches)]
    undisturbed = Metrics(SHORT)
    undisturbed.take(messages)
    kept, told = Kept(), dict[str, MetricWindow]()
    for message in messages:
        metrics = Metrics(SHORT)
        metrics.restore(list(kept.rows.items()))
        metrics.take([message])
        if data.draw(st.booleans()):
            told |= published(metrics)
        kept.keep(metrics.changed_rows())
    metrics = Metrics(SHORT)
    metrics.restore(list(kept.rows.items()))
    told |= published(metrics)
    last = published(undisturbed)
    assert told.keys() == last.keys()
    for key, one in last.items():
        assert (told[key].sums, told[key].metrics, told[key].is_settled) == (one.sums, one.metrics, one.is_settled)


def metric(window: MetricWindow, name: str) -> MetricValue:
    return next(one for one in window.metrics if one.metric == name)


def test_metrics_are_ratios_with_errors_over_listeners() -> None:
    rng = np.random.default_rng(1)
    taste = rng.beta(2.0, 6.0, size=400)
    exposures = rng.integers(1, 30, size=400)
    streamed = rng.binomial(exposures, taste)
    rows = [
        Told(f"u{n}", exposures=int(shown), played=int(one), streamed=int(one))
        for n, (shown, one) in enumerate(zip(exposures, streamed, strict=True))
    ]
    metrics = Metrics(SHORT)
    metrics.take([signals(rows)])
    rate = metric(published(metrics)["home  all all window 0"], "stream-rate")
    draws = rng.integers(400, size=(2_000, 400))
    resampled = streamed[draws].sum(axis=1) / exposures[draws].sum(axis=1)
    assert rate.value == pytest.approx(streamed.sum() / exposures.sum())
    assert rate.standard_error == pytest.approx(resampled.std(), rel=0.08)
    per_exposure = (rate.value * (1 - rate.value) / exposures.sum()) ** 0.5 if rate.value else 0.0
    assert rate.standard_error is not None
    assert rate.standard_error > 1.3 * per_exposure, "exposures of one listener are not independent"


def test_returning_is_known_when_the_next_day_has_settled_and_counts_every_surface() -> None:
    metrics = Metrics(SHORT)
    first = [Told("ann"), Told("bob"), Told("cid", surface="search"), Told("dan")]
    second = [Told("ann", window_ms=DAY + HOUR, surface="search"), Told("cid", window_ms=DAY)]
    metrics.take([signals([*first, *second], settled_ms=DAY)])
    assert metric(published(metrics)["home  all all day 0"], "returning").value is None
    metrics.take([signals([], settled_ms=2 * DAY)])
    told = published(metrics)
    assert metric(told["home  all all day 0"], "returning").value == pytest.approx(1 / 3)
    assert metric(told["search  all all day 0"], "returning").value == 1.0
    assert metric(told["home  all all day 0"], "pages-per-listener").value == 1.0
    assert not published(metrics), "nothing has changed"


def test_who_comes_again_within_24_hours_returns_whatever_the_date() -> None:
    """Ann comes again after 23 hours, Bob after 24, Cid twice in one window, Dan an hour later on another surface."""
    metrics = Metrics(SHORT)
    visits = [("ann", DAY - HOUR), ("ann", 2 * DAY - 2 * HOUR), ("bob", HOUR), ("bob", HOUR + DAY), ("cid", HOUR)]
    rows = [Told(user, window_ms=window_ms) for user, window_ms in (*visits, ("cid", HOUR), ("dan", HOUR))]
    metrics.take([signals([*rows, Told("dan", window_ms=2 * HOUR, surface="search")], settled_ms=2 * DAY - HOUR)])
    told = published(metrics)["home  all all day 0"]
    assert metric(told, "returning-in-a-day").value == pytest.approx(2 / 4), "ann and dan"
    early = Metrics(SHORT)
    early.take([signals(rows, settled_ms=DAY + HOUR - 1)])
    assert metric(published(early)["home  all all day 0"], "returning-in-a-day").value is None, "not settled yet"


def test_a_correction_revises_its_window_alone() -> None:
    metrics = Metrics(SHORT)
    metrics.take([signals([Told("ann"), Told("ann", window_ms=DAY)])])
    published(metrics)
    metrics.take([signals([Told("ann", pages=0, exposures=0, played=1, streamed=1, played_ms=40_000)])])
    told = published(metrics)
    assert {(one.kind, one.window_ms) for one in told.values()} == {("window", 0), ("day", 0)}
    assert metric(told["home  all all window 0"], "stream-rate").value == 0.25


def test_what_is_past_the_history_or_the_room_leaves_and_is_withdrawn() -> None:
    metrics, kept = Metrics(SHORT), Kept()
    metrics.take([signals([Told(f"old{n}") for n in range(20)])])
    told = published(metrics)
    metrics.take([signals([Told("new", window_ms=6 * DAY)])])
    _, withdrawn = metrics.publish()
    assert {key for _, key in withdrawn} == told.keys()
    kept.keep(metrics.changed_rows())
    assert not any(b"old" in value for value in kept.rows.values())
    for number in range(3):
        metrics.take([signals([Told(f"u{n}", window_ms=(6 + number) * DAY) for n in range(500)])])
    assert (len(metrics.cells), metrics.counters["windows_dropped_early"]) == (1_000, 1)
    metrics.take([signals([Told("late", window_ms=6 * DAY)])])
    assert len(metrics.cells) == 1_000, "what is late for its window does not bring it back"


def test_listeners_who_have_left_are_forgotten_and_numbers_are_reused() -> None:
    metrics = Metrics(SHORT)
    for day in range(30):
        rows = [Told(f"u{day}-{n}", window_ms=day * DAY, variant=f"v{day}") for n in range(10)]
        metrics.take([signals(rows)])
    assert len(metrics.cells.users) == len(metrics.cells) == 50
    assert len(metrics.cells.kinds()) == 5


def test_messages_of_two_partitions_settle_with_the_slower() -> None:
    metrics = Metrics(SHORT)
    empty: list[MetricSignals] = [signals([Told("ann")], source=f"listeners/{n}", settled_ms=n * DAY) for n in (1, 2)]
    metrics.take(empty)
    assert metrics.settled_until_ms == DAY


@settings(max_examples=25, deadline=None)
@given(ROWS, ROWS, st.sampled_from(["ann", "bob", "eve"]), st.booleans())
def test_who_is_forgotten_leaves_totals_as_they_are(
    before: list[Told], after: list[Told], user_id: str, is_kept_between: bool
) -> None:
    kept, metrics, whole = Kept(), Metrics(SHORT), Metrics(SHORT)
    whole.take([signals(before), signals(after)])
    metrics.take([signals(before)])
    if is_kept_between:
        kept.keep(metrics.changed_rows())
    metrics.take([SignalsForgotten(source="listeners/0", user_id=user_id), signals(after)])
    found = published(metrics)
    assert {key: one.sums for key, one in found.items()} == {key: one.sums for key, one in published(whole).items()}
    kept.keep(metrics.changed_rows())
    again = Metrics(SHORT)
    again.restore(list(kept.rows.items()))
    ours = {(name, *place) for name, *place in _named(metrics)}
    assert ours == {(name, *place) for name, *place in _named(again)}
    if user_id not in {row.user_id for row in after}:
        assert user_id not in {name for name, *_ in ours}


def _named(metrics: Metrics) -> list[tuple[object, ...]]:
    columns, users, kinds = metrics.cells.columns(), metrics.cells.users, metrics.cells.kinds()
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(users.name_of(user), window, kinds[kind], tuple(sums)) for user, window, kind, sums in rows]
