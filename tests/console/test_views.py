"""Views as plain data: what stands on a page follows from the records that were read."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from schemas.topics import TOPICS, Role
from streams.console.views.cell_view import cell_page
from streams.console.views.co_cluster_view import co_clusters_page
from streams.console.views.dead_letters_view import REMEDIES, dead_letters_page
from streams.console.views.drift_view import drift_page
from streams.console.views.evidence_view import calibration_part, evidence_page
from streams.console.views.experiments_view import experiments, open_alarms
from streams.console.views.flow_view import flow_page
from streams.console.views.listener_view import listener_page
from streams.console.views.rewards_view import rewards_page
from streams.console.views.troubles import BEHIND_RECORDS, SILENT_MS, troubles
from streams.pictures.figures import Figure, Link
from streams.pictures.heat_map_picture import MEASURES, Shown, measured
from tests.console.told_records import (
    NOW_MS,
    active,
    alarm,
    decision,
    everything,
    incident,
    learned,
    letter,
    record,
    state_of,
)

ENDS = {(name, 0): 100 for name, topic in TOPICS.items() if topic.role is not Role.STATE}


def test_without_records_every_view_is_empty_and_none_fails() -> None:
    state = state_of([])
    assert co_clusters_page(state, shown="time", reward="mean", seed=0) is None
    assert cell_page(state, 0, 0, seed=0) is None
    assert rewards_page(state, seconds=30.0, reward="mean", seed=0) is None
    assert evidence_page(state, yardstick="stream-rate") is None
    assert drift_page(state).figure is None
    assert not dead_letters_page(state, broker="b").kinds
    assert listener_page(state, user_id="u1").found is None
    assert flow_page(state, NOW_MS).troubles


@pytest.mark.parametrize("shown", MEASURES)
def test_the_heat_map_and_its_table_show_the_same_and_each_cell_leads_to_its_co_cluster(shown: Shown) -> None:
    page = co_clusters_page(state_of(everything()), shown=shown, reward="mean", seed=0)
    assert page is not None
    model = learned().model
    cells = page.figure.spec["data"]["values"]
    assert len(cells) == len(model.user_prior) * len(model.card_prior)
    flat = [cell for row in page.figure.table.rows for cell in row[1:]]
    assert [Link(cell["text"], cell["href"]) for cell in cells] == flat
    assert cells[1]["href"] == "/co-clusters/0/1"


def test_typical_time_volume_and_drift_are_those_of_the_messages() -> None:
    state, model = state_of(everything()), learned().model
    time, _ = measured(model, state.incidents.open(), shown="time", reward="mean", seed=0)
    assert time == pytest.approx(np.expm1(np.array(model.mean)))
    volume, _ = measured(model, state.incidents.open(), shown="volume", reward="mean", seed=0)
    assert volume.sum() == pytest.approx(np.sum(model.count))
    drift, _ = measured(model, state.incidents.open(), shown="drift", reward="mean", seed=0)
    assert drift[1, 2] == pytest.approx(math.exp(-2.0))
    assert np.isnan(drift).sum() == drift.size - 1, "the others of the incident follow the first"


def test_drift_of_another_generation_is_not_drawn_into_these_groups() -> None:
    state, model = state_of(learned().records), learned().model
    state.take([record("drift-incidents", "i1", incident(generation=model.generation + 1))])
    drift, _ = measured(model, state.incidents.open(), shown="drift", reward="mean", seed=0)
    assert np.isnan(drift).all()


def test_the_static_reward_rate_is_the_share_of_streams_of_half_a_minute() -> None:
    state, model = state_of(everything()), learned().model
    rate, _ = measured(model, state.incidents.open(), shown="reward", reward="static", seed=0)
    assert model.times is not None
    bounds, histogram = np.array(model.times.bounds_s), np.array(model.times.histogram)
    surely, at_most = (histogram[:, :, bounds > limit].sum(axis=2) for limit in (30.0 * 1.3, 30.0))
    total = histogram.sum(axis=2)
    assert np.all(rate >= surely / total - 1e-9)
    assert np.all(rate <= at_most / total + 1e-9)


def test_a_cell_shows_its_distribution_beside_others_and_every_threshold() -> None:
    model = learned().model
    page = cell_page(state_of(everything()), 0, 1, seed=0)
    assert page is not None
    shares = page.distribution.spec["data"]["values"]
    by_line: dict[str, list[float]] = {}
    for value in shares:
        if "is_end" in value:  # closes the last step
            continue
        by_line.setdefault(value["of"], []).append(value["share"])
    assert all(0.99 < sum(line) <= 1.0 + 1e-9 for line in by_line.values())
    assert model.times is not None
    block, users = np.array(model.times.histogram[0][1]), np.array(model.times.user_histogram[0])
    cards = np.array(model.times.card_histogram[1])
    everybody = np.array(model.times.user_histogram).sum(axis=0)
    first = int(np.searchsorted(model.times.bounds_s, shares[0]["from"] + 0.1, side="right"))
    for line, counts in zip(by_line.values(), (block, users, cards, everybody), strict=True):
        assert line == pytest.approx((counts / counts.sum())[first : first + len(line)].tolist(), abs=1e-5)
    rows = {value["reward"]: value["threshold"] for value in page.thresholds.spec["data"]["values"]}
    assert rows == {name: matrix[0][1] for name, matrix in model.thresholds_s.items()}
    assert cell_page(state_of(everything()), 99, 0, seed=0) is None


def test_groups_are_described_by_genres_and_cards_of_the_catalogue() -> None:
    state = state_of(everything())
    page = co_clusters_page(state, shown="time", reward="mean", seed=0)
    assert page is not None
    assert sum(group.cards for group in page.card_groups) == len(state.card_groups)
    titles = {card.title for card in state.cards.values()}
    assert all(set(group.examples) <= titles for group in page.card_groups)
    assert any(group.lifted for group in page.card_groups)
    assert sum(group.share for group in page.user_groups) == pytest.approx(1.0)


def test_a_listeners_page_has_what_the_ranking_says_in_words() -> None:
    ranking = learned().pages[0]
    page = listener_page(state_of(everything()), user_id=ranking.user_id)
    assert page.is_own
    assert [shelf.shelf_id for shelf in page.shelves] == [shelf.shelf_id for shelf in ranking.shelves]
    for shown, told in zip(page.shelves, ranking.shelves, strict=True):
        assert [card.card_id for card in shown.cards] == list(told.cards)
        assert sorted(card.by_score for card in shown.cards) == list(range(1, len(told.cards) + 1))
        best = max(range(len(told.cards)), key=lambda slot: (told.scores[slot], -slot))
        assert shown.cards[best].by_score == 1
        assert all(len(card.reasons) == 2 and all(card.reasons) for card in shown.cards)


def test_the_place_by_score_is_that_without_exploration() -> None:
    ranking = learned().pages[0]
    [first, *_] = ranking.shelves
    scores = tuple(0.1 + 0.01 * slot for slot in range(len(first.cards)))
    told = replace(ranking, shelves=(replace(first, scores=scores, reasons=("exploration",) * len(scores)),))
    page = listener_page(state_of([record("shelf-rankings", told.key, told)]), user_id=told.user_id)
    assert [card.by_score for card in page.shelves[0].cards] == list(range(len(scores), 0, -1))
    assert page.shelves[0].is_explored


def test_what_a_listener_did_and_what_became_of_it() -> None:
    ranking = active()
    page = listener_page(state_of(everything()), user_id=ranking.user_id)
    assert page.history is not None
    assert [row[1:] for row in page.history.streams.rows] == [("3 min", "01 Jan 02:49:40", "ended")]
    assert [row[3:] for row in page.history.exposures.rows] == [
        ("settled", "3 min", "0.25"),
        ("corrected, was 0 s", "40 s", "0.75"),
        ("pending", "–", "–"),
    ]
    state = state_of(everything())
    assert flow_page(state, NOW_MS).settled_behind_ms == 10_180_000 - 10_090_000
    state.take([record("impressions", ranking.user_id, None)])
    assert listener_page(state, user_id=ranking.user_id).history is None, "who is forgotten is forgotten here, too"


def test_what_epsilon_zero_would_show_and_where_a_shelf_would_stand() -> None:
    page = listener_page(state_of(everything()), user_id=learned().pages[0].user_id)
    for shelf in page.shelves:
        assert sorted(shelf.unexplored) == sorted(card.title for card in shelf.cards)
        assert shelf.unexplored[0] == next(card.title for card in shelf.cards if card.by_score == 1)
    in_order = sorted(page.shelves, key=lambda shelf: shelf.row_by_score)
    assert [shelf.row_by_score for shelf in in_order] == list(range(1, len(in_order) + 1))
    assert [shelf.score for shelf in in_order] == sorted((shelf.score for shelf in page.shelves), reverse=True)


def test_generations_flow_into_each_other_and_lose_nobody() -> None:
    model = learned().model
    users = len(model.user_prior)
    turned = tuple(tuple(float(new == (old + 1) % users) for new in range(users)) for old in range(users))
    after = replace(
        model, generation=model.generation + 1, user_overlap=turned, card_overlap=(),
        user_prior=(*model.user_prior[-1:], *model.user_prior[:-1]),
    )  # fmt: skip
    state = state_of([record("co-clusters", "model", one) for one in (model, after)])
    page = co_clusters_page(state, shown="time", reward="mean", seed=0)
    assert page is not None
    river, unknown = page.rivers
    flows, bars, _ = (layer["data"]["values"] for layer in river.spec["layer"])
    assert len({row["flow"] for row in flows}) == users
    begun, ended = ([row for row in flows if row["x"] == pytest.approx(x)] for x in (0.06, 0.94))
    for rows in (begun, ended):
        assert sum(row["y2"] - row["y"] for row in rows) == pytest.approx(1.0, abs=1e-3)
    assert "0% stay in their group" in river.summary
    assert not unknown.spec["layer"][0]["data"]["values"], "without an overlap nothing is known to flow"
    assert len(bars) == 2 * users


def test_calibration_compares_what_was_expected_with_what_settled() -> None:
    part = calibration_part(state_of(everything()))
    assert part is not None
    points = part.figure.spec["data"]["values"]
    assert [point["expected"] for point in points] == [0.05, 0.11, 0.3]
    assert all(point["low"] < point["realised"] < point["high"] for point in points)
    assert points[2]["high"] == pytest.approx(0.28 + 1.96 * 0.023)
    assert calibration_part(state_of(learned().records[:1])) is None


def test_a_stranger_is_shown_a_stand_in_that_says_so() -> None:
    page = listener_page(state_of(everything()), user_id="nobody")
    assert page.found is not None
    assert not page.is_own
    assert "stands in" in page.source


@pytest.mark.parametrize("seconds", [0.0, 1.0, 30.0, 180.0, 86_400.0])
def test_one_streamed_time_earns_what_the_thresholds_say(seconds: float) -> None:
    model = learned().model
    page = rewards_page(state_of(everything()), seconds=seconds, reward="static", seed=0)
    assert page is not None
    succeeds = {str(row[0]): str(row[1]) for row in page.ladder.table.rows}
    for name in ("static", "mean", "median"):
        reached = sum(seconds >= limit > 0.0 for row in model.thresholds_s[name] for limit in row)
        ticks = [value for value in page.ladder.spec["data"]["values"] if value["reward"] == name]
        assert sum(tick["reached"] == "success" for tick in ticks) == reached
        assert succeeds[name] == f"{reached} of {len(model.user_prior) * len(model.card_prior)}"


def test_incidents_are_told_in_units_that_people_use() -> None:
    page = drift_page(state_of(everything()))
    by_id = {one.incident_id: one for one in page.incidents}
    assert (by_id["i1"].before, by_id["i1"].after) == ("2 min 27 s", "19 s")
    assert by_id["i1"].size == "×0.14 (×0.09 to ×0.20)"
    assert (by_id["i2"].before, by_id["i2"].size) == ("20%", "-5.0 points (-7.0 to -3.0)")
    assert [one.is_open for one in page.incidents] == [True, False]


def test_the_leaderboard_shows_no_value_that_is_withheld() -> None:
    page = evidence_page(state_of(everything()), yardstick="stream-rate")
    assert page is not None
    shown = [value["candidate"] for value in page.figure.spec["data"]["values"]]
    assert shown == ["median/greedy", "static/greedy", "mean/epsilon-greedy-0.1"]
    assert [name for name, _ in page.withheld] == ["additive/greedy"]
    assert "Worth an A/B test: median/greedy" in page.differences.summary


def test_dead_letters_name_the_command_that_replays_them() -> None:
    page = dead_letters_page(state_of(everything()), broker="kafka:9092")
    assert [(kind.topic, kind.reason, kind.count) for kind in page.kinds] == [
        ("impressions", "not_json", 5),
        ("stream-ends", "wrong_partition", 1),
    ]
    assert page.kinds[0].command == "shelfwise dlq replay impressions --reason not_json --broker kafka:9092"
    from typing import get_args

    from schemas.dead_letters import DeadLetterReason

    assert REMEDIES.keys() == set(get_args(DeadLetterReason))


def test_what_is_wrong_is_said_and_nothing_else() -> None:
    state = state_of(learned().records)
    state.meter.note(NOW_MS, ENDS, {("impressions", 0): 100})
    assert not troubles(state, NOW_MS)
    state.take([letter()])
    assert ["Dead letters of impressions, not_json: 1" in one.what for one in troubles(state, NOW_MS)] == [True]
    state.take([record("drift-incidents", "i1", incident())])
    assert troubles(state, NOW_MS)[0].severity == "bad"
    state.meter.note(NOW_MS + 1_000, {**ENDS, ("impressions", 0): 100 + BEHIND_RECORDS + 1}, {("impressions", 0): 100})
    assert any("listeners behind" in one.what for one in troubles(state, NOW_MS + 1_000)) is False, "it rises as fast"
    state.meter.note(NOW_MS + 60_000, {**ENDS, ("impressions", 0): 9_999}, {("impressions", 0): 100})
    state.meter.note(NOW_MS + 90_000, {**ENDS, ("impressions", 0): 9_999}, {("impressions", 0): 100})
    assert any("listeners behind: 9,899" in one.what for one in troubles(state, NOW_MS + 90_000))
    silent = troubles(state, NOW_MS + 90_000 + SILENT_MS + 1)
    assert any("has not answered for" in one.what for one in silent)


def test_missing_topics_and_missing_workers_are_said() -> None:
    state = state_of([])
    state.meter.note(NOW_MS, {("impressions", 0): 0}, {})
    assert "topics are missing" in troubles(state, NOW_MS)[0].what
    state.meter.note(NOW_MS, ENDS, {})
    assert ["No worker has committed" in one.what for one in troubles(state, NOW_MS)] == [True]


def test_experiments_are_told_with_their_differences_and_what_runs_against_a_kpi() -> None:
    [shown] = experiments(state_of(everything()))
    assert (shown.experiment, shown.decision) == ("warm-start", "ship warm")
    assert shown.differences.rows == (
        ("warm", "stream-rate (goal)", "0.2000", "+0.0200 (+10.0%)", "+0.0080 to +0.0320"),
    )
    state = state_of([record("metric-alarms", "a1", alarm())])
    [said] = open_alarms(state)
    assert said == "success-rate runs against returning on home, warm-start warm: +4.0% and -3.0% of cold"
    assert any(one.what == said and one.severity == "bad" for one in troubles(state, NOW_MS))
    state.take([record("metric-alarms", "a1", alarm(number=2, state="closed"))])
    assert not open_alarms(state)
    state.take([record("experiment-decisions", "e", decision(experiment="e", decision="split-broken", winner=""))])
    assert any("split of the experiment e is broken" in one.what for one in troubles(state, NOW_MS))
    state.take([record("experiment-decisions", "e", None)])
    assert not experiments(state)


def figures(value: object) -> list[Figure]:
    return [found for name in value.__struct_fields__ if isinstance(found := getattr(value, name), Figure)]  # type: ignore[attr-defined]


def test_a_model_of_many_groups_is_drawn_as_well() -> None:
    groups, kinds = 7, 13
    model = learned().model
    large = replace(
        model,
        user_prior=(1.0 / groups,) * groups, card_prior=(1.0 / kinds,) * kinds, times=None, labels=(), most_frequent=(),
        signatures=(), user_overlap=(), card_overlap=(),
        mean=((4.0,) * kinds,) * groups, variance=((1.0,) * kinds,) * groups, count=((0.0,) * kinds,) * groups,
        thresholds_s={"mean": ((60.0,) * kinds,) * groups},
    )  # fmt: skip
    state = state_of([record("co-clusters", "model", large)])
    for shown in MEASURES:
        page = co_clusters_page(state, shown=shown, reward="mean", seed=0)
        assert page is not None
        assert len(page.figure.spec["data"]["values"]) == groups * kinds
    cell = cell_page(state, 6, 12, seed=0)
    assert cell is not None
    assert len(figures(cell)) == 2
