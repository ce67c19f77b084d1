"""The peers: what each does, on which topics, and with which packages."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import orjson

from streams.benchmarks.peers.environments import BYTEWAX, QUIX, python_with

ENDS = ("stream-ends",)
INPUTS = ("impressions", "stream-ends")
FAUST_EVENTS_MAX = 20_000
DEADLINE_S = 600.0


class Peer(NamedTuple):
    """One program: it processes `events_max` events of these topics at most, and tells how long it took."""

    name: str
    script: str
    topics: tuple[str, ...] = ENDS
    requirements: tuple[str, ...] = ()  # of an environment of its own; none for ours
    events_max: int = 2**62

    def command(self) -> list[str]:
        """How it is run. Raises `OSError` or `subprocess.CalledProcessError` if its packages cannot be installed."""
        if not self.requirements:
            return [sys.executable, "-m", f"streams.benchmarks.peers.{self.script}"]
        return [str(python_with(self.requirements)), str(Path(__file__).with_name(f"{self.script}.py"))]


PEERS = (
    Peer("bare aiokafka, decode", "bare_client"),
    Peer("bare aiokafka, decode, all inputs", "bare_client", INPUTS),
    Peer("stock Faust, table and output, at least once", "stock_faust", events_max=FAUST_EVENTS_MAX),
    Peer("Quix, keyed sum and output, exactly once", "quix_sum", requirements=QUIX),
    Peer("Quix, keyed sum and output, exactly once, all inputs", "quix_sum", INPUTS, QUIX),
    Peer("Bytewax, keyed sum and output, no recovery", "bytewax_sum", requirements=BYTEWAX),
    Peer("Bytewax, keyed sum and output, no recovery, all inputs", "bytewax_sum", INPUTS, BYTEWAX),
)
"""Those of all inputs read the bytes that the pipeline reads; the others do an easier job on a tenth of the bytes."""


class PeerFailedError(RuntimeError):
    """A peer could not be installed, or failed; the message has its last line."""


class Speed(NamedTuple):
    """Speed of one run."""

    events_per_second: float
    cpu_us_per_event: float

    @classmethod
    def of(cls, events: float, seconds: float, cpu_seconds: float) -> "Speed":
        """The speed of a run.

        >>> Speed.of(100, 2.0, 0.001)
        Speed(events_per_second=50.0, cpu_us_per_event=10.0)
        """
        return cls(round(events / seconds, 1), round(1e6 * cpu_seconds / events, 2))


def measure(peer: Peer, bootstrap: str, events: int) -> Speed:
    """Run a peer once on the events of its topics; raises `PeerFailedError`."""
    arguments = [
        "--broker",
        bootstrap,
        "--events",
        str(min(events, peer.events_max)),
        "--topics",
        ",".join(peer.topics),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    try:
        with tempfile.TemporaryDirectory(prefix="peer-") as folder:  # some write into the current one
            run = subprocess.run(  # noqa: S603  our own commands
                [*peer.command(), *arguments],
                cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=DEADLINE_S,
            )  # fmt: skip
        told = orjson.loads(run.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise PeerFailedError(said[-1] if said else repr(error)) from error
    return Speed.of(told["events"], told["seconds"], told["cpu_seconds"])
