"""`shelfwise experiments` on a broker: definitions are applied, changed, listed and stopped; faults are named."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.codec import decode
from streams.auditing.reading import read_committed
from streams.broker.embedded import EmbeddedBroker
from streams.cli.main import run

TEST = """
name = "static-home"
layer = "ranking"
metric = "stream-rate"
hypothesis = "thirty seconds are enough"
ends = 2099-01-01T00:00:00Z
guardrails = [{ metric = "minutes-per-page", loss_max = 0.02 }]

[[variants]]
name = "control"
share = 0.1

[[variants]]
name = "static"
share = 0.1
overrides = { reward = "static", epsilon = 0.05 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.toml"
    path.write_text(TEST)
    return path


def test_an_experiment_is_applied_changed_listed_and_stopped(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        where = ["--broker", broker.bootstrap]
        assert run(["topics", "apply", *where]) == 0
        capsys.readouterr()
        assert run(["experiments", "list", *where]) == 0
        assert "no experiment is defined" in capsys.readouterr().out
        assert run(["experiments", "show", "static-home", *where]) == 1
        assert "no experiment is named 'static-home'; there are: none" in capsys.readouterr().err
        assert run(["experiments", "apply", str(file), *where, "--lead-s", "1"]) == 0
        assert "experiment static-home starts: revision 1, in force from 20" in capsys.readouterr().out
        assert run(["experiments", "apply", str(file), *where]) == 0
        assert "is as it was: nothing was changed" in capsys.readouterr().out
        file.write_text(TEST.replace('name = "static"\nshare = 0.1', 'name = "static"\nshare = 0.3'))
        assert run(["experiments", "apply", str(file), *where, "--json"]) == 0
        changed = json.loads(capsys.readouterr().out)
        assert (changed["revision"], changed["said"]) == (2, "changes")
        assert [one["bucket_count"] for one in changed["variants"]] == [100, 300]
        assert run(["experiments", "show", "static-home", *where]) == 0
        shown = capsys.readouterr().out
        assert "improves stream-rate, guards minutes-per-page (at most 2.0% less)" in shown
        assert "static            30.0%  reward static, epsilon 0.05" in shown
        assert run(["experiments", "stop", "static-home", *where, "--lead-s", "1", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["status"] == "stopped"
        assert run(["experiments", "stop", "static-home", *where]) == 0
        assert "was stopped before" in capsys.readouterr().out
        assert run(["experiments", "list", *where, "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)["experiments"]
        assert (listed["name"], listed["revision"], len(listed["earlier"])) == ("static-home", 3, 2)
        records = asyncio.run(read_committed(broker.bootstrap, "experiments"))
    first, second, third = (decode("experiments", value) for _, value in records)
    assert [key for key, _ in records] == [b"static-home"] * 3
    assert (second.earlier, third.earlier) == ((first.phase,), (first.phase, second.phase))
    assert set(first.variants[1].buckets) < set(second.variants[1].buckets)
    assert first.ends_ms == 4_070_908_800_000


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('layer = "ranking"', 'lair = "ranking"', "lair is not known; there are alpha, begins"),
        ("share = 0.1", "share = 0.7", "the shares add to 1.4, more than one"),
        ("share = 0.1", "share = 0.0001", "share 0.0001 is not a multiple of 0.001"),
        ('reward = "static"', 'reward = "best"', "experiment static-home: variant static: no reward is named 'best'"),
        ('reward = "static"', 'policy = "best"', "variant static: no policy is named 'best'"),
        ('reward = "static"', 'slots = "9"', "variants[1].overrides.slots is not known"),
        ("epsilon = 0.05", "epsilon = 5", "Expected `float` <= 1.0 - at `$.variants[1].overrides.epsilon`"),
        ('name = "static"', 'name = "control"', "two variants have the same name"),
        ('name = "static"', 'name = "a b"', "Expected `str` matching regex"),
        ("2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z", "it would end before it takes effect"),
        ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00", "ends must be a time with its zone"),
        ("loss_max", "most", "guardrails[0].most is not known"),
        ('layer = "ranking"', 'layer = "ranking"\nsurfaces = ["tv"]', "no ranking is made for the surface 'tv'"),
    ],
)
def test_faults_are_named(
    before: str, after: str, why: str, file: Path, capsys: pytest.CaptureFixture[str], experiments_broker: str
) -> None:
    assert before in TEST
    file.write_text(TEST.replace(before, after))
    assert run(["experiments", "apply", str(file), "--broker", experiments_broker]) == 2
    assert why in capsys.readouterr().err


def test_a_layer_without_room_and_a_setting_that_two_decide_are_refused(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], experiments_broker: str
) -> None:
    where = ["--broker", experiments_broker]
    assert run(["experiments", "apply", str(file), *where]) == 0
    other = tmp_path / "other.json"
    variants = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.4, "overrides": {"epsilon": 0.3}}]
    body = {"name": "other", "layer": "ranking", "metric": "minutes-per-page", "variants": variants}
    other.write_text(json.dumps(body))
    assert run(["experiments", "apply", str(other), *where]) == 2
    assert "layer ranking has 0.8 left, and the shares add to 0.9" in capsys.readouterr().err
    other.write_text(json.dumps({**body, "layer": "page"}))
    assert run(["experiments", "apply", str(other), *where]) == 2
    assert "experiment static-home of layer ranking decides about epsilon on home too" in capsys.readouterr().err


@pytest.fixture(scope="module")
def experiments_broker() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        assert run(["topics", "apply", "--broker", broker.bootstrap]) == 0
        yield broker.bootstrap
