"""Compares a sweep and the held-out error with Surprise's CoClustering on the same table."""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from processors.cocluster.fitting.global_moves import fitted, random_start
from processors.cocluster.fitting.held_out import predict_held_out, subset
from processors.cocluster.fitting.message_passing import MessagePassing
from processors.cocluster.model.soft_groups import Interactions
from processors.worlds.blocks import WORLDS, generate, scaled
from streams.benchmarks.peers.environments import SURPRISE, python_with

WORLD, GROUPS, EPOCHS = "b", 6, 20
HELD_OUT = 5  # one interaction in this many is held out


def bench_against_surprise(*, seed: int = 1, shrink: int = 1) -> dict[str, Any]:
    """World b, a fifth held out: processor seconds of a sweep over all interactions, and root mean squared errors.

    Surprise's fit is hard and alternating, ours passes messages; both see each interaction once a sweep.
    """
    world = scaled(WORLDS[WORLD], 1.0 / shrink)
    history = generate(world, seed)
    data = Interactions(history.user, history.card, np.log1p(history.seconds), world.users, world.cards)
    is_test = np.random.default_rng(np.random.SeedSequence(seed + 33)).integers(HELD_OUT, size=len(data)) == 0
    train, test = (subset(data, np.flatnonzero(part)) for part in (~is_test, is_test))
    ours = _ours(train, test, seed)
    theirs = _surprise(train, test)
    told = {"interactions": len(train), "shelfwise": ours, "surprise": theirs}
    if "sweep_s" in theirs:
        told["sweeps_faster"] = round(theirs["sweep_s"] / ours["sweep_s"], 1)
    return told


def _ours(train: Interactions, test: Interactions, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(np.random.SeedSequence(seed + 34))
    run = MessagePassing(train, random_start(train, GROUPS, GROUPS, rng))
    run.run(2)  # compiled by now
    start_s = time.process_time()
    run.run(EPOCHS)
    sweep_s = (time.process_time() - start_s) / EPOCHS
    start_s = time.process_time()
    groups = fitted(train, GROUPS, GROUPS, rng)
    fit_s = time.process_time() - start_s
    errors = predict_held_out(groups, test.user, test.card, test.x).squared_error
    return {"sweep_s": sweep_s, "fit_s": fit_s, "rmse": float(np.sqrt(errors.mean()))}


def _surprise(train: Interactions, test: Interactions) -> dict[str, Any]:
    """The same for Surprise, or the reason why there is no figure."""
    columns = {
        f"{name}_{column}": getattr(part, column)
        for name, part in (("train", train), ("test", test))
        for column in ("user", "card", "x")
    }
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as folder:
        table = Path(folder) / "table.npz"
        np.savez(table, **columns)
        script = Path(__file__).with_name("surprise_fit.py")
        arguments = [str(script), str(table), str(GROUPS), str(GROUPS), str(EPOCHS)]
        try:
            command = [str(python_with(SURPRISE)), *arguments]
            run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own command
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            return {"missing": f"{SURPRISE[0]} cannot be run here: {said[-1] if said else error!r}"}
        told = orjson.loads(run.stdout.splitlines()[-1])
    return {"sweep_s": told["seconds"] / EPOCHS, "fit_s": told["seconds"], "rmse": told["rmse"]}
