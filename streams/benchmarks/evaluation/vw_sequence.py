"""VW's confidence sequence on the same kind of log, in an environment of its own."""

import subprocess
from pathlib import Path
from typing import Any

import orjson

from streams.benchmarks.peers.environments import VW_ESTIMATORS, python_with


def vw_sequence(rate: float, events: int, repeats: int, seed: int) -> dict[str, Any]:
    """False alarms and half-width at the end, or why there is no figure."""
    script = Path(__file__).with_name("vw_looks.py")
    try:
        command = [str(python_with(VW_ESTIMATORS)), str(script), str(rate), str(events), str(repeats), str(seed)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own command
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return {"missing": f"{VW_ESTIMATORS[0]} cannot be run here: {said[-1] if said else error!r}"}
    told: dict[str, Any] = orjson.loads(run.stdout.splitlines()[-1])
    return told
