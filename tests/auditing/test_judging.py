"""The auditor is green on what a run leaves, and red, under the right name, on every way to tamper with it."""

from collections.abc import Callable
from functools import cache

import orjson
import pytest

from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from processors.settlement.settings import SettlementSettings
from schemas.dead_letters import DeadLetter
from streams.audit_rules import audit_rules
from streams.auditing.books import READING_ORDER
from streams.auditing.findings import Audit
from streams.auditing.judging import judge
from streams.auditing.reading import LogRecord
from streams.settings import Settings
from tests.auditing.history import MEASURED, run_with_late_impressions, run_with_replays, small_run

Logs = list[LogRecord]


@cache
def untouched() -> Logs:
    return small_run()


def audited(logs: Logs, *, closed: bool = False) -> Audit:
    read = (record for record in logs if record.topic in READING_ORDER)
    return judge(read, READING_ORDER, audit_rules(Settings(metrics=MEASURED), closed=closed))


def where(topic: str, fits: Callable[[dict], bool] = lambda body: True, nth: int = 3) -> int:  # type: ignore[type-arg]
    """Index of a record of a topic whose body fits; not the first, which may be special."""
    return [i for i, r in enumerate(untouched()) if r.topic == topic and fits(orjson.loads(r.value or b"{}"))][nth]


def dropped(index: int) -> Logs:
    return [*untouched()[:index], *untouched()[index + 1 :]]


def doubled(index: int) -> Logs:
    return [*untouched()[: index + 1], *untouched()[index:]]


def changed(index: int, change: Callable[[dict], object]) -> Logs:  # type: ignore[type-arg]
    body = orjson.loads(untouched()[index].value or b"{}")
    change(body)
    record = untouched()[index]._replace(value=orjson.dumps(body))
    return [*untouched()[:index], record, *untouched()[index + 1 :]]


def newest(topic: str, fits: Callable[[dict], bool] = lambda body: True) -> int:  # type: ignore[type-arg]
    return where(topic, fits, nth=-1)


def with_letters(index: int, count: int, value: bytes | None) -> Logs:
    """Dead letters for an input, before everything else, and the input itself as it was."""
    record = untouched()[index]
    letter = DeadLetter(
        topic=record.topic, partition=0, offset=record.offset, timestamp_ms=0, reason="invalid"
    ).headers()
    letters = [LogRecord(record.topic + ".dlq", 0, n, record.key, value or record.value, letter) for n in range(count)]
    return [*letters, *untouched()]


def requests_of(key: bytes | None) -> Logs:
    """A listener asks to be forgotten, in both topics."""
    return [LogRecord(topic, 0, 10**6, key, None) for topic in ("impressions", "stream-ends")]


def told_to_forget(index: int) -> LogRecord:
    """The learner is told to forget the listener of an interaction."""
    user_id = orjson.loads(untouched()[index].value or b"{}")["user_id"][0]
    return LogRecord("interactions", 0, 10**6, b"forgotten", orjson.dumps({"user_id": user_id}))


def with_page_of(change: Callable[[dict], object]) -> Logs:  # type: ignore[type-arg]
    """One more impression, without a seen slot, of the page of a ranking whose first shelf is changed by the client."""
    ranking = orjson.loads(untouched()[where("shelf-rankings", is_full)].value or b"")
    names = ("shelf_id", "cards", "propensities", "propensity", "order_log_propensities", "row_log_propensity")
    shelves = [{name: shelf[name] for name in names} | {"seen": []} for shelf in ranking["shelves"]]
    change(shelves[0])
    body = {"type": "impression.v1", "event_id": "shown", "user_id": ranking["user_id"], "event_ms": 0}
    body |= {"shelves": shelves, "ranking_number": ranking["ranking_number"]}
    at = newest("impressions")
    extra = LogRecord("impressions", 0, 10**6, ranking["user_id"].encode(), orjson.dumps(body))
    return [*untouched()[: at + 1], extra, *untouched()[at + 1 :]]


def without_window() -> Logs:
    """A window of all variants and groups is told in no record."""
    gone = next(r.key for r in untouched() if r.topic == "metric-windows" and b" all all window" in (r.key or b""))
    return [record for record in untouched() if record.key != gone]


def is_settled(body: dict) -> bool:  # type: ignore[type-arg]
    return body["type"] == "outcomes-settled.v1"


def is_streamed(body: dict) -> bool:  # type: ignore[type-arg]
    return is_settled(body) and body["played_ms"][0] > 0


def is_corrected(body: dict) -> bool:  # type: ignore[type-arg]
    return body["type"] == "outcome-corrected.v1"


def has_first(body: dict) -> bool:  # type: ignore[type-arg]
    return any(body["is_first"])


def has_correction(body: dict) -> bool:  # type: ignore[type-arg]
    return not all(body["is_first"])


def is_shown_value(body: dict) -> bool:  # type: ignore[type-arg]
    return body["value"] is not None


def is_assigned(body: dict) -> bool:  # type: ignore[type-arg]
    return not body["is_reported"]


def is_full(body: dict) -> bool:  # type: ignore[type-arg]
    return len(body["shelves"]) > 1


TAMPERED: dict[str, tuple[str, Callable[[], Logs]]] = {
    "an outcome is dropped": ("exposures_missing", lambda: dropped(where("outcomes", is_settled))),
    "an outcome is written twice": ("settled_twice", lambda: doubled(where("outcomes", is_settled))),
    "an outcome is of another card": (
        "settled_unexpectedly",
        lambda: changed(where("outcomes", is_settled), lambda body: body.update(card_id="c0-of-nobody")),
    ),
    "an outcome's time is wrong": (
        "played_wrong",
        lambda: changed(
            where("outcomes", is_streamed), lambda body: body["played_ms"].__setitem__(0, body["played_ms"][0] + 1)
        ),
    ),
    "an outcome settles early": (
        "settled_early",
        lambda: changed(
            where("outcomes", is_settled), lambda body: body["settled_ms"].__setitem__(0, body["settled_ms"][0] - 1)
        ),
    ),
    "a correction is dropped": ("played_wrong", lambda: dropped(where("outcomes", is_corrected))),
    "a correction is written twice": ("corrections_broken", lambda: doubled(where("outcomes", is_corrected))),
    "a correction begins elsewhere": (
        "corrections_broken",
        lambda: changed(where("outcomes", is_corrected), lambda body: body.update(previous_ms=1)),
    ),
    "an interaction is dropped": ("interactions_missing", lambda: dropped(where("interactions"))),
    "an interaction is written twice": ("interactions_twice", lambda: doubled(where("interactions"))),
    "an interaction is invented": (
        "interactions_unexpected",
        lambda: changed(where("interactions"), lambda body: body["event_id"].__setitem__(0, "s-of-nobody")),
    ),
    "an interaction is shorter": (
        "listener_sums_wrong",
        lambda: changed(where("interactions"), lambda body: body["played_ms"].__setitem__(0, 1)),
    ),
    "a card's exposures are short by one": (
        "card_sums_wrong",
        lambda: changed(
            newest("card-statistics"),
            lambda body: body.update(exposures=[body["exposures"][0] - 1, *body["exposures"][1:]]),
        ),
    ),
    "a card's successes are short by one": (
        "card_sums_wrong",
        lambda: changed(
            newest("card-statistics"),
            lambda body: body["rewards"]["static"].update(total=[-1.0, *body["rewards"]["static"]["total"][1:]]),
        ),
    ),
    "sums of engagement are dropped": (
        "engagement_sums_wrong",
        lambda: dropped(where("engagement", lambda body: sum(body["exposures"]) > 0)),
    ),
    "blocks count other than interactions": (
        "block_sums_wrong",
        lambda: changed(newest("co-clusters"), lambda body: body["count"][0].__setitem__(0, body["count"][0][0] + 1)),
    ),
    "a propensity is zero": (
        "ranking_propensities_wrong",
        lambda: changed(
            where("shelf-rankings", is_full), lambda body: body["shelves"][0]["propensities"].__setitem__(0, 0.0)
        ),
    ),
    "an order is likelier than its last card": (
        "ranking_propensities_wrong",
        lambda: changed(
            where("shelf-rankings", is_full),
            lambda body: body["shelves"][0].update(order_log_propensities=[0.0] * len(body["shelves"][0]["cards"])),
        ),
    ),
    "an outcome has another propensity than its impression": (
        "propensities_not_kept",
        lambda: changed(where("outcomes", is_settled), lambda body: body["propensity"].__setitem__(0, 0.123)),
    ),
    "an outcome has another order's propensity": (
        "propensities_not_kept",
        lambda: changed(where("outcomes", is_settled), lambda body: body["order_log_propensity"].__setitem__(0, -77.5)),
    ),
    "a correction has another row's propensity": (
        "propensities_not_kept",
        lambda: changed(where("outcomes", is_corrected), lambda body: body.update(row_propensity=0.123)),
    ),
    "an impression has another propensity than its ranking": (
        "propensities_not_of_ranking",
        lambda: with_page_of(lambda shelf: shelf["propensities"].__setitem__(0, 0.5 * shelf["propensities"][0])),
    ),
    "an impression has another row's propensity than its ranking": (
        "propensities_not_of_ranking",
        lambda: with_page_of(lambda shelf: shelf.update(row_log_propensity=shelf["row_log_propensity"] - 1.0)),
    ),
    "a card stands in a shelf where it is not valid": (
        "ranking_propensities_wrong",
        lambda: changed(
            where("shelf-rankings", is_full), lambda body: body["shelves"][0]["cards"].__setitem__(0, "c0-of-nobody")
        ),
    ),
    "a ranking's source is another listener's event": (
        "ranking_sources_wrong",
        lambda: changed(where("shelf-rankings"), lambda body: body.update(sources={"impressions": 10**6})),
    ),
    "a ranking is written twice": ("ranking_numbers_wrong", lambda: doubled(where("shelf-rankings"))),
    "the last ranking is lost": ("ranking_numbers_wrong", lambda: dropped(newest("shelf-rankings"))),
    "a ranking stays of one who asked to be forgotten": (
        "forgotten_remembered",
        lambda: [*untouched(), *requests_of(untouched()[newest("shelf-rankings")].key)],
    ),
    "more is withdrawn than came of those who asked to be forgotten": (
        "withdrawals_wrong",
        lambda: changed(newest("co-clusters"), lambda body: body.update(withdrawn_count=1)),
    ),
    "what is remembered of one who asked to be forgotten is not withdrawn": (
        "withdrawals_wrong",
        lambda: [*untouched(), told_to_forget(newest("interactions"))],
    ),
    "a weighed page is dropped": ("policy_values_wrong", lambda: dropped(where("policy-evidence"))),
    "weighed pages are written twice": ("evidence_broken", lambda: doubled(where("policy-evidence", has_first))),
    "a correction of a weighed page begins elsewhere": (
        "evidence_broken",
        lambda: changed(
            where("policy-evidence", has_correction),
            lambda body: body.update(previous_ms=[ms + 1 for ms in body["previous_ms"]]),
        ),
    ),
    "a weighed page has earned more than its outcomes say": (
        "evidence_played_wrong",
        lambda: changed(
            newest("policy-evidence"), lambda body: body["played_ms"].__setitem__(0, body["played_ms"][0] + 1)
        ),
    ),
    "signals are dropped": ("signals_wrong", lambda: dropped(where("metric-signals"))),
    "signals are written twice": ("metric_windows_wrong", lambda: doubled(where("metric-signals"))),
    "a signal is one too many": (
        "signals_wrong",
        lambda: changed(where("metric-signals"), lambda body: body["signals"][3].__setitem__(0, 99)),
    ),
    "a window's sum is one too many": (
        "metric_windows_wrong",
        lambda: changed(newest("metric-windows"), lambda body: body["sums"].__setitem__(1, body["sums"][1] + 1)),
    ),
    "a window has a listener too many": (
        "metric_windows_wrong",
        lambda: changed(newest("metric-windows"), lambda body: body.update(listeners=body["listeners"] + 1)),
    ),
    "a window's rate is too high": (
        "metric_windows_wrong",
        lambda: changed(newest("metric-windows"), lambda body: body["metrics"][0].update(value=0.987)),
    ),
    "a window is never told": ("metric_windows_wrong", without_window),
    "an experiment counts listeners who were not exposed": (
        "experiment_decisions_wrong",
        lambda: changed(
            newest("experiment-decisions", lambda body: body["experiment"] == "tested"),
            lambda body: body["listeners"].update(b=10**6),
        ),
    ),
    "an experiment ships what is not known to differ": (
        "experiment_decisions_wrong",
        lambda: changed(
            newest("experiment-decisions", lambda body: body["experiment"] == "tested"),
            lambda body: body.update(decision="ship", winner="b"),
        ),
    ),
    "a policy's value is too high": (
        "policy_values_wrong",
        lambda: changed(newest("policy-values", is_shown_value), lambda body: body.update(value=body["value"] + 0.001)),
    ),
    "a policy's effective sample is too large": (
        "policy_values_wrong",
        lambda: changed(newest("policy-values"), lambda body: body.update(ess=body["ess"] + 1.0)),
    ),
    "a policy is worth testing without reason": (
        "policy_values_wrong",
        lambda: changed(newest("policy-values"), lambda body: body.update(is_worth_testing=True)),
    ),
    "an exposure to an experiment is dropped": (
        "experiment_exposures_missing",
        lambda: dropped(where("experiment-exposures")),
    ),
    "an exposure to an experiment is told twice": (
        "experiment_exposures_twice",
        lambda: doubled(where("experiment-exposures")),
    ),
    "an exposure is to the other variant": (
        "experiment_exposures_wrong",
        lambda: changed(where("experiment-exposures", is_assigned), lambda body: body.update(variant="z")),
    ),
    "an exposure is of a later page": (
        "experiment_exposures_wrong",
        lambda: changed(where("experiment-exposures"), lambda body: body.update(impression_id="i-of-nobody")),
    ),
    "an exposure of a client's is told as assigned": (
        "experiment_exposures_wrong",
        lambda: changed(
            where("experiment-exposures", lambda body: not is_assigned(body)),
            lambda body: body.update(is_reported=False),
        ),
    ),
    "listeners are exposed who are not in the experiment": (
        "experiment_exposures_wrong",
        lambda: changed(where("experiments", nth=0), lambda body: body["variants"][0].update(buckets=[])),
    ),
    "a variant has fewer exposures than its share": (
        "experiment_exposures_missing",
        lambda: changed(
            where("experiments", nth=0), lambda body: body["variants"][0].update(buckets=list(range(1_000)))
        ),
    ),
    "an outcome has another assignment than its page": (
        "assignments_wrong",
        lambda: changed(
            where("outcomes", is_settled), lambda body: body["logged"][body["page"][0]].update(assignments="other/z")
        ),
    ),
    "a correction has another assignment than its page": (
        "assignments_wrong",
        lambda: changed(where("outcomes", is_corrected), lambda body: body.update(assignments="other/z")),
    ),
    "a ranking has another assignment than its time": (
        "assignments_wrong",
        lambda: changed(where("shelf-rankings", is_full), lambda body: body.update(assignments="")),
    ),
    "an input is lost": ("settled_unexpectedly", lambda: dropped(where("impressions", is_full))),
    "an input is no message": (
        "inputs_unaccounted",
        lambda: changed(where("impressions"), lambda body: body.pop("event_id")),
    ),
    "a dead letter is there twice": (
        "dead_letters_wrong",
        lambda: with_letters(where("stream-ends"), count=2, value=None),
    ),
    "a dead letter has other bytes": (
        "dead_letters_wrong",
        lambda: with_letters(where("stream-ends"), count=1, value=b"other"),
    ),
    "a good stream-end is set aside after it has counted": (
        "interactions_unexpected",
        lambda: with_letters(where("stream-ends"), count=1, value=None),
    ),
}


def test_what_a_run_leaves_holds() -> None:
    found = audited(untouched())
    assert found.holds, found.findings
    assert found.settled == found.exposures > 2_000
    assert found.corrections > 10
    assert found.interactions > 400
    assert found.rankings > 300
    assert len(found.violations) == 37, "every check was made"


def test_a_page_with_the_propensities_of_its_ranking_holds() -> None:
    found = audited(with_page_of(lambda _: None))
    assert found.violations["propensities_not_of_ranking"] == 0, found.findings


def test_statistics_that_forget_and_rankings_of_two_surfaces_hold_as_well() -> None:
    ranking = RankingSettings(surfaces={"search": SurfaceSettings(reward="static", policy="thompson")})
    found = audited(small_run(Settings(reward_half_life_ms=3_600_000, ranking=ranking, metrics=MEASURED)))
    assert found.holds, found.findings
    assert found.rankings > 600


def test_streams_that_tell_that_they_are_playing_hold_and_a_correction_that_takes_one_twice_is_found() -> None:
    logs = [record for record in small_run(playing_every_ms=600_000) if record.topic in READING_ORDER]
    found = judge(logs, READING_ORDER, audit_rules(Settings()))
    assert found.holds, found.findings
    plain = audited(untouched())
    assert found.corrections > 2 * plain.corrections
    assert (found.stream_ends, found.interactions) == (plain.stream_ends, plain.interactions)
    playing = [record for record in logs if b"stream-playing.v1" in (record.value or b"")]
    assert len(playing) > 50
    fewer = judge([one for one in logs if one not in playing], READING_ORDER, audit_rules(Settings()))
    assert fewer.violations["corrections_broken"] > 0
    assert fewer.violations["settled_early"] > 0


def test_exposures_by_their_longest_stream_hold_and_are_found_wrong_by_the_sum() -> None:
    together, longest = Settings(), Settings(settlement=SettlementSettings(longest_only=True))
    for how in (together, longest):
        logs = run_with_replays(how)
        own = judge(logs, READING_ORDER, audit_rules(how))
        assert own.holds, own.findings
    found = judge(logs, READING_ORDER, audit_rules(Settings()))
    assert found.violations["played_wrong"] > 0
    assert found.violations["settled_early"] > 0


def test_statistics_by_weighted_outcomes_hold_and_are_found_wrong_under_other_weights() -> None:
    weighing = Settings(reward_weight_max=8.0)
    logs = [record for record in small_run(weighing) if record.topic in READING_ORDER]
    found = judge(logs, READING_ORDER, audit_rules(weighing))
    assert found.holds, found.findings
    other = judge(logs, READING_ORDER, audit_rules(Settings(reward_weight_max=2.0)))
    assert other.violations["card_sums_wrong"] > 0
    assert other.violations["totals_wrong"] > 0


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_found(what: str) -> None:
    check, logs = TAMPERED[what]
    found = audited(logs())
    assert not found.holds
    assert found.violations[check] >= 1, found.findings
    (finding,) = [finding for finding in found.findings if finding.check == check]
    assert finding.examples


def test_an_exposure_may_be_open_while_its_horizon_may_not_have_passed() -> None:
    newest_ms = max(orjson.loads(r.value or b"")["event_ms"] for r in untouched() if r.topic == "impressions")
    late = newest_ms - 60_000
    shelf = {"shelf_id": "s", "cards": ["c1"], "propensities": [1.0], "seen": [0]}
    body = {"type": "impression.v1", "event_id": "new", "user_id": "clock", "event_ms": late, "shelves": [shelf]}
    at = newest("impressions")
    extra = LogRecord("impressions", 0, 10**6, b"clock", orjson.dumps(body))
    logs = [*untouched()[: at + 1], extra, *untouched()[at + 1 :]]
    assert audited(logs).violations["exposures_missing"] == 0
    assert audited(logs, closed=True).violations["exposures_missing"] == 1


def test_a_late_impression_excuses_all_that_its_streams_would_have_changed_and_nothing_else() -> None:
    logs = run_with_late_impressions(2)
    found = audited(logs)
    assert found.holds, found.findings
    (first,) = [index for index, record in enumerate(logs) if b'"impressions_late":2' in (record.value or b"")]
    body = orjson.loads(logs[first].value or b"")
    body["counters"]["impressions_late"] = 1
    fewer = [*logs[:first], logs[first]._replace(value=orjson.dumps(body)), *logs[first + 1 :]]
    assert audited(fewer).violations["played_wrong"] == 3


def test_a_check_whose_topics_were_not_read_is_not_made() -> None:
    read = (record for record in untouched() if record.topic in {"impressions", "stream-ends"})
    topics = {"impressions", "stream-ends", "impressions.dlq", "stream-ends.dlq"}
    found = judge(read, topics, audit_rules(Settings()))
    assert found.violations.keys() == {"inputs_unaccounted", "dead_letters_wrong"}
