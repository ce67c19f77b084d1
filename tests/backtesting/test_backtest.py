"""A backtest replays events under two configurations: equal ones agree in every byte, others in what they share."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from processors.cocluster.online.settings import LearnerSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings
from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.policy_values import PolicyValue
from streams.backtesting.backtest import backtest
from streams.backtesting.own_log import values_of_events
from streams.backtesting.replayed import Forget, Line
from streams.cli.main import run
from streams.replaying.event_lines import write_lines
from streams.settings import Settings

START_MS = 1_700_000_000_000
PAGE_EVERY_MS = 4_000
PAGES = 600


def lines(pages: int = PAGES, seed: int = 4) -> list[Line]:
    """The catalogue and the events of random pages, in order of arrival."""
    world = SatisfactionWorld(world_settings("W1", users=60, cards=36), world_seed=3)
    home = SimulatedHome(world, HomePageSettings(control_share=1.0), seed=seed)
    times = [START_MS + PAGE_EVERY_MS * number for number in range(pages)]
    home.visit(np.random.default_rng(5).integers(60, size=pages).tolist(), times, {})
    return [*home.catalogue, *home.events_until(START_MS + 10**10)]


EARLY = LearnerSettings(warmup_events=300)
LIVE = Settings(page_partitions=2, coclusters=EARLY)
STATIC = Settings(page_partitions=2, coclusters=EARLY, ranking=RankingSettings(reward="static"))


@cache
def whole_run(candidate: str) -> dict[str, Any]:
    """All pages under the live configuration and another; several tests look at it."""
    return backtest(lines(), LIVE, {"equal": LIVE.model_copy(), "static": STATIC}[candidate])


def test_equal_configurations_agree_in_every_byte_and_differ_by_nothing() -> None:
    found = whole_run("equal")
    assert found["outcomes"]["live"] == found["outcomes"]["candidate"] > 3_000
    assert found["corrections"]["live"] > 10
    assert found["outcomes_changed"] == 0
    assert all(one["difference"] == 0.0 for one in found["settlement"].values())
    by_name = {(one["candidate"], one["yardstick"]): one for one in found["ranking"]}
    assert by_name["candidate", "minutes"]["value"] == by_name["live", "minutes"]["value"]
    assert by_name["candidate", "minutes"]["difference"] == pytest.approx(0.0, abs=1e-12)


def test_another_ranking_gives_the_difference_that_the_leaderboard_gives() -> None:
    found = whole_run("static")
    assert found["outcomes_changed"] == 0, "pages were shown already: another ranking changes no outcome"
    told = {(one["candidate"], one["yardstick"]): one for one in found["ranking"]}
    live = LIVE.model_copy(update={"leaderboard": replace(LIVE.leaderboard, candidates=("static epsilon-greedy",))})
    board = {(one.candidate, one.yardstick): one for one in values_of_events(lines(), live)}
    for yardstick in ("stream-rate", "minutes", "precision@1"):
        mine, its = told["candidate", yardstick], board["static/epsilon-greedy-0.1", yardstick]
        assert isinstance(its, PolicyValue)
        assert mine["count"] == its.count > 500
        assert mine["difference"] == pytest.approx(its.difference, rel=1e-9)
        assert mine["difference_low"] == pytest.approx(its.difference_low, rel=1e-9)
        assert mine["difference_low"] < mine["difference"] < mine["difference_high"]


def test_other_settlement_changes_outcomes_by_a_difference_with_an_interval() -> None:
    """A stream that starts a minute after its page is not the page's with a window of half a minute, unless named."""
    narrow = Settings(page_partitions=2, coclusters=EARLY, settlement=SettlementSettings(attribution_ms=30_000))
    found = backtest(lines(), LIVE, narrow)
    assert found["outcomes"]["live"] == found["outcomes"]["candidate"]
    assert found["outcomes_changed"] > 100
    rate = found["settlement"]["stream-rate"]
    assert rate["candidate"] < rate["live"]
    low, high = rate["interval"]
    assert low <= rate["difference"] <= high < 0.0


def test_only_pages_of_the_asked_time_are_compared() -> None:
    half_ms = START_MS + PAGE_EVERY_MS * PAGES // 2
    early = backtest(lines(), LIVE, STATIC, to_ms=half_ms)
    late = backtest(lines(), LIVE, STATIC, from_ms=half_ms, to_ms=START_MS * 2)
    counts = [found["settlement"]["minutes"]["pages"] for found in (early, late, whole_run("static"))]
    assert counts[0] + counts[1] == counts[2]
    assert min(counts) > 200


def test_who_was_forgotten_is_forgotten_in_the_replay_too() -> None:
    whole = lines()
    user = next(line.user_id for line in whole if hasattr(line, "user_id"))
    asked = [*whole[: len(whole) // 2], Forget(user), *whole[len(whole) // 2 :]]
    some = backtest(asked, LIVE, LIVE)
    assert some["outcomes"]["live"] < whole_run("equal")["outcomes"]["live"]
    assert some["outcomes_changed"] == 0


def test_the_command_compares_a_file_under_two_configurations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, config = tmp_path / "events.jsonl", tmp_path / "candidate.toml"
    write_lines(events, lines(pages=300))  # type: ignore[arg-type]
    config.write_text('[ranking]\nreward = "static"\n')
    asked = ["backtest", "--events", str(events), "--config", str(config)]
    assert run([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["outcomes_changed"], len(found["ranking"])) == (0, 12)
    assert run([*asked, "--from", "2023-11-14T22:30Z"]) == 0
    said = capsys.readouterr().out
    assert "0 are in one run only, or differ" in said
    assert "by precision@3" in said
    assert run([*asked, "--from", "yesterday"]) == 2
    assert "is not a time in ISO 8601" in capsys.readouterr().err
    assert run([*asked, "--from", "2023-11-14T22:30", "--to", "2023-11-14T22:30Z"]) == 2
    assert run(["evaluate", "--events", str(events), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert {value["candidate"] for value in values} >= {"mean/epsilon-greedy-0.1", "mean/uniform", "logged"}
    assert run(["evaluate", "log", "--events", str(config)]) == 2
