"""Exposures: one for each listener, experiment, variant and day, whatever the cuts and crashes; as on outcomes."""

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from processors.experiments.assignment import Schedule
from processors.experiments.layer_admission import admitted
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from processors.settlement.settings import SettlementSettings
from processors.wire.impressions import LOGGED, ImpressionColumns
from processors.wire.impressions import impressions_of as columns_of
from schemas.experiments import DAY_MS, ExperimentDefinition, ExperimentExposure, assigned
from schemas.impressions import Impression
from schemas.outcomes import OutcomesSettled
from tests.builders import experiment, impression, stream_end
from tests.settlement.test_settlement import PLACES, cut
from tests.tasks.test_cores import Kept

TIMES = SettlementSettings(lateness_ms=DAY_MS, horizon_ms=1_000, correction_ms=3 * DAY_MS)
CHOSEN = ListenersSettings(
    settlement=TIMES, ranking=RankingSettings(surfaces={"search": SurfaceSettings()}), exposed_max=100
)
USERS = ("ann", "bob", "cem", 'q"uote', "éva")


def defined() -> dict[str, ExperimentDefinition]:
    """Two layers, one of them on both surfaces, with shares that change on the third day."""
    known: dict[str, ExperimentDefinition] = {}
    for effective_ms, shares in ((DAY_MS, (0.3, 0.3)), (3 * DAY_MS, (0.5, 0.4))):
        wanted = experiment("one", shares=dict(zip("ab", shares, strict=True)), ends_ms=5 * DAY_MS)
        known["one"] = admitted(wanted, known, effective_ms)
    both = experiment("two", shares={"x": 0.5, "y": 0.5}, layer="page", surfaces=("home", "search"))
    known["two"] = admitted(both, known, 0)
    return known


DEFINED = defined()


def listeners(kept: Kept | None = None, definitions: dict[str, ExperimentDefinition] | None = None) -> Listeners:
    core = Listeners(CHOSEN, source="listeners/0")
    core.restore(list(kept.rows.items()) if kept else [])
    for name, definition in (DEFINED if definitions is None else definitions).items():
        core.definitions.put(name, definition)
    return core


def page(
    number: int, user_id: str, event_ms: int, surface: str = "home", reported: str = "", is_seen: bool = True
) -> Impression:
    seen = (0, 1) if is_seen else ()
    shown = impression(event_id=f"i{number}", user_id=user_id, event_ms=event_ms, cards=("c1", "c2"), seen=seen)
    return replace(shown, surface=surface, assignments=reported)


def pages(shown: Iterable[tuple[Any, ...]]) -> list[Impression]:
    return [page(number, *one) for number, one in enumerate(shown)]


REPORTED = st.sampled_from(["", "", "", "one/a two/x", "two/y one/a", "one/z", "gone/a", "two/x", "one/", 'q"/u'])
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(USERS),
        st.integers(0, 6 * DAY_MS),
        st.sampled_from(["home", "home", "search"]),
        REPORTED,
        st.sampled_from([True, True, True, False]),
    ),
    max_size=20,
).map(pages)


def told(messages: Iterable[Struct]) -> list[ExperimentExposure]:
    return [message for message in messages if isinstance(message, ExperimentExposure)]


def on_outcomes(messages: Iterable[Struct]) -> dict[str, str]:
    columns = (message for message in messages if isinstance(message, OutcomesSettled))
    return {one.impression_id: one.logged.assignments for message in columns for one in message.outcomes()}


def run(batches: Sequence[Sequence[Impression]], *, restart: bool = False, late: bool = False) -> list[Struct]:
    """All messages; the worker may die after every batch, and learn of the second revision just before it begins."""
    first = {name: replace(one, **_first_of(one)) for name, one in DEFINED.items()}
    core, kept, messages = listeners(definitions=first if late else None), Kept(), list[Struct]()
    for batch in batches:
        if late and any(one.event_ms >= DEFINED["one"].effective_ms for one in batch):
            core.definitions.put("one", DEFINED["one"])
        core.impressions([(0, one) for one in batch])
        messages += core.conclude().everything()
        kept.keep(core.changed_rows())
        if restart:
            core = listeners(kept)
    end = 20 * DAY_MS
    core.impressions([(0, impression(event_id="end", user_id="end", event_ms=end, cards=()))])
    core.stream_ends([(0, stream_end(event_id="end", user_id="end", started_ms=0, event_ms=end))])
    return [*messages, *core.conclude().everything()]


def _first_of(definition: ExperimentDefinition) -> dict[str, object]:
    phase = (*definition.earlier, definition.phase)[0]
    return {"earlier": (), **{name: getattr(phase, name) for name in phase.__struct_fields__}}


@settings(max_examples=60, deadline=None)
@given(HISTORIES, PLACES)
def test_neither_cuts_nor_crashes_change_who_is_exposed_and_what_outcomes_say(
    history: list[Impression], places: list[int]
) -> None:
    whole = run([history])
    for restart in (False, True):
        again = run(cut(history, places), restart=restart)
        assert told(again) == told(whole)
        assert on_outcomes(again) == on_outcomes(whole)
    arrived = sorted(history, key=lambda one: one.event_ms)
    late = run(cut(arrived, places), late=True)
    assert told(late) == told(run([arrived])), "a revision may arrive whenever before it takes effect"


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_exposures_are_first_pages_with_the_variant_reported_or_else_assigned(history: list[Impression]) -> None:
    """Against a plain reading of the definition, page by page."""
    schedule, expected, newest = Schedule(DEFINED), dict[object, tuple[str, bool]](), 0
    shown: dict[str, str] = {}
    for one in history:
        plan = schedule.plan(one.surface, one.event_ms)
        own = {arm.experiment: arm.variant for arm in plan.arms_of(one.user_id)}
        reported = assigned(one.assignments)
        whole = {**own, **reported} if plan.running else {}
        is_seen = bool(one.exposure_count)
        if is_seen:
            shown[one.event_id] = " ".join(sorted("/".join(pair) for pair in whole.items())) or one.assignments
        day = one.event_ms // DAY_MS
        newest = max(newest, day) if plan.running else newest
        for name, variant in whole.items():
            running = plan.running.get(name)
            if running and variant in running.variants and day >= newest - 2 and is_seen:
                expected.setdefault((one.user_id, name, variant, day), (one.event_id, name in reported))
    messages = run([history])
    found = {
        (one.user_id, one.experiment, one.variant, one.day_ms // DAY_MS): (one.impression_id, one.is_reported)
        for one in told(messages)
    }
    assert found == expected
    assert len(found) == len(told(messages)), "exactly once"
    assert on_outcomes(messages) == shown


def test_what_is_not_as_assigned_is_counted() -> None:
    core, at = listeners(), 4 * DAY_MS
    own = {arm.experiment: arm.variant for arm in Schedule(DEFINED).plan("home", at).arms_of("ann")}
    other = "x" if own["two"] == "y" else "y"
    shown = [f"two/{own['two']}", f"two/{other}", "two/z", "gone/a", "two/" + "z" * 64 + " gone/a" * 280]
    core.impressions([(0, one) for one in pages(("ann", at, "home", reported) for reported in shown)])
    assert core.exposing.counters["assignments_mismatched"] == 1
    assert core.exposing.counters["assignments_of_no_variant"] == 2
    assert core.exposing.counters["assignments_not_running"] == 2
    assert {one.variant for one in told(core.conclude().messages) if one.experiment == "two"} == {"x", "y"}


def test_a_listener_who_is_forgotten_leaves_no_row_and_may_be_exposed_anew() -> None:
    core, kept = listeners(), Kept()
    core.impressions([(0, one) for one in pages([("ann", 5, "home", ""), ("bob", 5, "home", "")])])
    assert len(told(core.conclude().messages)) == 2
    kept.keep(core.changed_rows())
    assert any(b"ann" in key and key.startswith(b"x/") for key in kept.rows)
    core.forget("ann")
    kept.keep(core.changed_rows())
    assert not any(b"ann" in key for key in kept.rows)
    core.impressions([(0, one) for one in pages([("ann", 9, "home", ""), ("bob", 9, "home", "")])])
    assert [one.user_id for one in told(core.conclude().messages)] == ["ann"]


def test_memory_is_bounded_by_day_and_leaves_with_it() -> None:
    core, kept = listeners(), Kept()
    core.impressions([(0, page(number, f"u{number}", 5, "search")) for number in range(150)])
    assert len(told(core.conclude().messages)) == 100
    assert core.exposing.counters["experiment_listeners_untold"] == 50
    kept.keep(core.changed_rows())
    core.impressions([(0, page(900, "u900", 3 * DAY_MS, "search")), (0, page(901, "u1", 6, "search"))])
    assert [one.user_id for one in told(core.conclude().messages)] == ["u900"]
    kept.keep(core.changed_rows())
    assert sorted(key for key in kept.rows if key.startswith(b"x/")) == [b"x/3/u900", b"x/newest"]


def test_without_definitions_nothing_is_touched() -> None:
    core = listeners(definitions={})
    core.impressions([(0, one) for one in pages([("ann", 5, "home", "two/x")])])
    assert not core.exposing.counters
    assert not told(core.conclude().messages)


def test_pages_of_listeners_who_were_told_today_are_written_alike_without_a_further_look() -> None:
    """What a fresh worker finds out page by page, another finds in its arrays."""
    at = 4 * DAY_MS
    reports = ["", "", "two/x", "one/a two/x", "one/a two/y", "one/b two/x", "one/b two/y", "two/y"]
    shown = [(f"u{n % 40}", at + n, ("home", "search")[n % 3 == 0], reports[n % 7], n % 5 > 0) for n in range(400)]
    first, second = (columns_of(pages(part)) for part in (shown, [*shown[:200], ("new", at, "home", "", True)]))
    fresh, known = listeners(), listeners()
    known.exposing.take(first)
    told = len(known.exposing.hand_over())
    assert 40 < told < 200
    assert known.exposing._quiet_pages(second).is_quiet.sum() > 50  # noqa: SLF001  that it is made use of
    assert texts(known.exposing.take(second)) == texts(fresh.exposing.take(second))
    assert [one.user_id for one in known.exposing.hand_over()] in (["new"], ["new", "new"])
    known.forget("u1")
    known.exposing.take(second)
    assert {one.user_id for one in known.exposing.hand_over()} == {"u1"}


def texts(columns: ImpressionColumns) -> list[bytes]:
    spans = columns.logged[:, LOGGED.index("assignments")].tolist()
    return [columns.data[start:end].tobytes() for start, end in spans]
