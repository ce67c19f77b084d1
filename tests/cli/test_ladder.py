"""`shelfwise ladder`: the command around `processors.evaluation.ladder`."""

import json

import pytest

from processors.rewards.reward_catalogue import REWARD_NAMES
from streams.cli.main import run


def test_every_policy_is_valued_on_all_yardsticks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ladder", "--world", "W1", "--impressions", "20000", "--seeds", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["policies"]) == {"uniform", *REWARD_NAMES}
    for row in found["policies"].values():
        assert 0.0 < row["ysat"] < row["y30"] < 1.0
        assert row["time_s"] > 0.0
        assert row["snips_y30"] == pytest.approx(row["y30"], rel=0.25)
        assert row["ysat_gain_error"] >= 0.0
    assert (
        found["policies"]["mean"]["ysat"] > found["policies"]["static"]["ysat"] > found["policies"]["uniform"]["ysat"]
    )
    assert "delicate" in found["note"]


def test_an_unknown_world_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ladder", "--world", "W9"]) == 2
    assert "W6" in capsys.readouterr().err
