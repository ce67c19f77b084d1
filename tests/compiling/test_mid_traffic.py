"""Once warm, nothing is compiled any more: every function and every type of argument has been met."""

import pytest

from streams.compiling.compile_stages import ALL
from tests.compiling.template_process import Printed

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

FIRST_PAGES = """
import json
from processors.machine_code.keeping import watch
from processors.warm_up.stages import Moment
from streams.compiling.compile_stages import stages_of
from tests.test_loop import loop
for stage in stages_of(["listeners"]):
    if stage.moment is Moment.OPENING:
        stage.run()
late, played = [], loop(3)
watch(lambda what, entry: late.append((what, entry)))
played.listeners.restore([])
played.listeners.settlement.may_compact = lambda: False
played.learner.publish = played.cards.statistics = list
played._route = lambda messages: None
for minute in range(60):
    played.listeners.tick(minute * 60_000)
    played.step()
    list(played.listeners.changed_rows())
assert played.listeners.settlement.counters["outcomes_settled"] > 500
print(json.dumps(late))
"""


@pytest.mark.parametrize("name", [stage.name for stage in ALL])
def test_a_stage_names_all_that_it_compiles(name: str, printed: Printed) -> None:
    (stage,) = [stage for stage in ALL if stage.name == name]
    assert printed(STAGE, name) == sorted(stage.entries)


def test_a_listener_without_state_needs_no_more_than_what_is_compiled_before_a_partition_is_opened(
    printed: Printed,
) -> None:
    assert printed(FIRST_PAGES) == []


def test_nothing_is_compiled_in_mid_traffic(printed: Printed) -> None:
    assert printed(TRAFFIC) == []
