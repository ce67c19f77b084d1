"""One history: workers that die, freeze and come back on a cluster that misbehaves, and the account afterwards."""

from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random
from typing import NamedTuple

from aiokafka.errors import ProducerFenced

from streams.exactly_once.transactions.position import POSITION_KEY, Position
from tests.exactly_once.simulation.cluster import Cluster
from tests.exactly_once.simulation.worker import (
    HURRY_STEPS,
    INPUT,
    OUTPUTS,
    STATE,
    Restored,
    Step,
    ViolationError,
    Worker,
)

STEPS_MAX = 200_000
FROZEN_MAX = 3


class Counts(NamedTuple):
    """What a history had in it."""

    crashes: int = 0
    freezes: int = 0
    coordinator_crashes: int = 0
    left_out: int = 0
    steps: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def position_of_state(restored: Restored) -> int:
    """Where the driver goes on."""
    return restored.position.starts[INPUT]


class Life:
    """A worker that runs or is frozen, with the request that it has on its way."""

    def __init__(self, worker: Worker, step_number: int) -> None:
        self._life: Coroutine[Step, None, None] = worker.live()
        self._sent_at = step_number
        self.step = self._life.send(None)

    def arrive(self, step_number: int) -> None:
        """Let the request arrive, and send the next. Raises StopIteration when the worker ends."""
        self.step, self._sent_at = self._life.send(None), step_number

    def is_late(self, step_number: int) -> bool:
        return self.step.is_hurried and step_number - self._sent_at >= HURRY_STEPS

    def die(self) -> None:
        self._life.close()


class History:
    """Plays one history from its seed; raises ViolationError."""

    def __init__(
        self,
        seed: int,
        *,
        input_count: int = 40,
        crashes: int = 25,
        position_of: Callable[[Cluster], Callable[[Restored], int]] = lambda _: position_of_state,
        leave_out: bool = True,
    ) -> None:
        self._random = Random(seed)
        self._cluster = Cluster(self._random, [STATE, *OUTPUTS], leave_out=leave_out)
        self._input_count = input_count
        self._crashes_left = crashes
        self._position_of = position_of(self._cluster)
        self._running: list[Life] = []
        self._frozen: list[Life] = []
        self._counts = Counts()

    def play(self) -> Counts:
        """Let workers come and go until all input is processed; then judge."""
        while self._crashes_left:
            self._misbehave()
            self._step()
        self._run_to_the_end()
        self._judge()
        cluster = self._cluster
        return self._counts._replace(coordinator_crashes=cluster.coordinator_crashes, left_out=cluster.left_out)

    def _misbehave(self) -> None:
        """Draw who dies, freezes, comes back, or is started."""
        chance = self._random.random()
        if not self._running or (chance < 0.002 and len(self._running) < 3):
            self._start()
        elif chance < 0.030:
            self._running.pop(self._random.randrange(len(self._running))).die()
            self._crashes_left -= 1
            self._counts = self._counts._replace(crashes=self._counts.crashes + 1)
        elif chance < 0.036 and len(self._frozen) < FROZEN_MAX:
            self._freeze(self._random.randrange(len(self._running)))
        elif chance < 0.042 and self._frozen:
            self._running.append(self._frozen.pop(self._random.randrange(len(self._frozen))))

    def _freeze(self, number: int) -> None:
        if not self._running[number].step.is_hurried:
            self._frozen.append(self._running.pop(number))
            self._counts = self._counts._replace(freezes=self._counts.freezes + 1)

    def _start(self) -> None:
        worker = Worker(self._cluster, self._random, self._input_count, self._position_of)
        self._running.append(Life(worker, self._counts.steps))

    def _step(self) -> None:
        """Let one request of one worker arrive."""
        self._counts = self._counts._replace(steps=self._counts.steps + 1)
        if self._counts.steps > STEPS_MAX:
            raise ViolationError("the history does not come to an end")
        self._cluster.let_time_pass()
        if not self._running:
            return
        late = [life for life in self._running if life.is_late(self._counts.steps)]
        life = self._random.choice(late or self._running)
        try:
            life.arrive(self._counts.steps)
        except (StopIteration, ProducerFenced):
            self._running.remove(life)

    def _run_to_the_end(self) -> None:
        """Let zombies finish what they can, then one last worker take over in peace."""
        self._running += self._frozen
        while self._running:
            self._step()
        self._cluster.is_peaceful = True
        for _ in range(2):  # the second only looks: the state is whole, and so is what the first has written
            self._start()
            while self._running:
                self._step()

    def _judge(self) -> None:
        told = Counter(value for place in OUTPUTS for value in self._cluster.read(place))
        expected = Counter(range(self._input_count))
        if told != expected:
            raise ViolationError(
                f"outputs twice {sorted((told - expected).elements())}, missing {sorted((expected - told).elements())}"
            )
        count, end = 0, 0
        for key, value in self._cluster.read(STATE):  # type: ignore[misc]
            if key == b"count":
                count = value
            elif key == POSITION_KEY:
                start, next_end = Position.of_row(value).inputs[INPUT]
                if start != end:
                    raise ViolationError(f"a transaction began at {start}, the one before ended at {end}")
                end = next_end
                if count != end:
                    raise ViolationError(f"a state that includes {count} inputs says that it includes {end}")
