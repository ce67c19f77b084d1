"""Once warm, nothing is compiled any more: every function and every type of argument has been met."""

import json
import subprocess
import sys

import pytest

from streams.compiling.compile_stages import ALL

STAGE = """
import json, sys
from processors.machine_code.keeping import watch
from streams.compiling.compile_stages import ALL
met = {}
watch(lambda what, entry: met.setdefault(entry, what))
(stage,) = [stage for stage in ALL if stage.name == sys.argv[1]]
stage.run()
print(json.dumps(sorted(met)))
"""

TRAFFIC = """
import json
from processors.machine_code.keeping import watch
from streams.compiling.compile_stages import ALL
for stage in ALL:
    stage.run()
late = []
watch(lambda what, entry: late.append((what, entry)))

from schemas.experiments import Overrides
from tests.builders import experiment
from tests.test_loop import loop
played = loop(3)
halves = {"a": range(500), "b": range(500, 1_000)}
ranked = experiment(buckets=halves, overrides={"b": Overrides(reward="static", policy="thompson")})
played.listeners.definitions.put("test", ranked)
for minute in range(90):
    played.listeners.tick(minute * 60_000)
    played.step()
    changed = [(key, value) for key, value in played.listeners.changed_rows() if value is not None]
    if minute == 60:
        played.listeners.restore(changed)
    list(played.learner.changed_rows()), list(played.cards.changed_rows())
assert played.counts["rankings"] > 500
assert played.listeners.exposing.counters["experiment_exposures"] > 20
print(json.dumps(late))
"""


def printed(script: str, *arguments: str) -> object:
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [stage.name for stage in ALL])
def test_a_stage_names_all_that_it_compiles(name: str) -> None:
    (stage,) = [stage for stage in ALL if stage.name == name]
    assert printed(STAGE, name) == sorted(stage.entries)


def test_nothing_is_compiled_in_mid_traffic() -> None:
    assert printed(TRAFFIC) == []
