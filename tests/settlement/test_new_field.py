"""A new field of a page is read, kept and carried to its outcomes by the schema alone; older pages stay readable."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.machine_code.places import writing_place
from processors.settlement.settings import SettlementSettings
from tests.builders import impression

ROOT = Path(__file__).parents[2]
BEFORE = '    model_version: Identifier = "unknown"\n    assignments: Assignments = ""\n'
FIELD = '    device_id: Identifier = "none"\n'
CHANGED = ("schemas/impressions.py", "schemas/outcomes.py")

LATER = """
import json, sys
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from processors.wire.impressions import read_impressions
from schemas.stream_ends import StreamEnd
import numpy as np

ends = json.loads(sys.stdin.read())
settings = SettlementSettings(lateness_ms=0, horizon_ms=1_000)
core = Listeners(ListenersSettings(settlement=settings), source="l")
core.restore([tuple(bytes.fromhex(part) for part in row) for row in ends["rows"]])

def show(values):
    values = [value.encode() for value in values]
    columns = read_impressions(values, [json.loads(value)["user_id"].encode() for value in values],
        np.zeros(len(values), np.int64), lambda index: 1 / 0)
    core.take_impressions(columns, np.zeros(len(values), np.int64))

show(ends["shown"])
again = Listeners(core.settings, source="l")
again.restore([*[tuple(bytes.fromhex(part) for part in row) for row in ends["rows"]],
    *((key, value) for key, value in core.changed_rows() if value is not None)])
core = again
show(ends["later"])
core.stream_ends([(0, StreamEnd(event_id="s", user_id="u", card_id="c", started_ms=0, event_ms=9_000, played_ms=1))])
print(json.dumps(sorted(
    (one.impression_id, one.logged.variant, one.logged.device_id)
    for message in core.conclude().everything() if type(message).__name__ == "OutcomesSettled"
    for one in message.outcomes()
)))
"""


def shown(event_id: str, event_ms: int, **more: str) -> str:
    shelf = {"shelf_id": "s", "cards": ["c"], "propensities": [1.0], "seen": [0]}
    page = {"event_id": event_id, "user_id": f"u-{event_id}", "event_ms": event_ms, "shelves": [shelf]}
    return json.dumps({"type": "impression.v1", **page, **more})


def with_a_copy_of_the_machine_code(folder: Path) -> dict[str, str]:
    """An environment in which only functions that the field changes are compiled."""
    place = writing_place()
    if place is not None:
        shutil.copytree(place, folder)
    return {**os.environ, "NUMBA_CACHE_DIR": str(folder)}


@pytest.mark.slow
def test_a_field_that_the_schema_names_goes_from_the_page_to_its_outcome(tmp_path: Path) -> None:
    before = Listeners(ListenersSettings(settlement=SettlementSettings(lateness_ms=0, horizon_ms=1_000)), source="l")
    before.impressions([(0, impression(event_id="kept", user_id="u-kept", event_ms=5))])
    rows = [(key.hex(), value.hex()) for key, value in before.changed_rows() if value is not None]
    for package in ("schemas", "processors"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in CHANGED:
        source = (tmp_path / name).read_text()
        assert source.count(BEFORE) == 1
        (tmp_path / name).write_text(source.replace(BEFORE, BEFORE + FIELD))
    told = {
        "rows": rows,
        "shown": [shown("named", 6, device_id="tv", variant="b"), shown("unnamed", 7)],
        "later": [shown("later", 9_000)],
    }
    done = subprocess.run(
        [sys.executable, "-c", LATER], cwd=tmp_path, env=with_a_copy_of_the_machine_code(tmp_path / "code"),
        input=json.dumps(told), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    expected = [["kept", "default", "none"], ["named", "b", "tv"], ["unnamed", "default", "none"]]
    assert json.loads(done.stdout) == expected
