"""A worker of one task, from takeover to transaction, that can be dropped or frozen at any of its requests.

One thing is left out, since the protocol does not survive it: a worker that freezes between a confirmation and the
request that follows at once, and comes back while another completes a transaction. Such an answer and such a request
are *hurried*: the worker may die, but does not freeze, and they arrive within ``HURRY_STEPS`` each.
"""

from collections.abc import Callable, Collection, Generator
from random import Random
from typing import Any, NamedTuple, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced

from streams.exactly_once.transactions.position import POSITION_KEY, Position
from streams.exactly_once.transactions.takeover import Identity, LastTransaction, begin, take_over
from tests.exactly_once.simulation.cluster import OFFSETS, Cluster

STATE = TopicPartition("state", 0)
OUTPUTS = [TopicPartition("outputs", number) for number in range(3)]
INPUT = "input"
WORK_TIMEOUT_MS = 60_000
BATCH_MAX = 3
HURRY_STEPS = 4
"""Steps of a history within which something hurried arrives, if it arrives."""
ANNOUNCED_STEPS = 16
"""Steps for which a worker waits for the hurried requests of others."""
T = TypeVar("T")


class ViolationError(AssertionError):
    """The protocol has counted something twice, lost it, or parted state from position."""


class Step:
    """A request on its way: whoever runs the worker lets it arrive, later or never; soon, if it is hurried."""

    def __init__(self, *, is_hurried: bool = False) -> None:
        self.is_hurried = is_hurried

    def __await__(self) -> Generator["Step", None, None]:
        yield self


class Restored(NamedTuple):
    """A state as it was read: how many inputs it includes, and the position."""

    count: int
    position: Position

    @property
    def outputs(self) -> Collection[TopicPartition]:
        return self.position.output_partitions()


class ModelCoordinator:
    """The coordinator as the driver's code asks it: every request is a step, and may have to be repeated."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random
        self._connection = cluster.connection
        self._announced = 0

    @property
    def connection(self) -> object:
        return self._connection if self._connection is self._cluster.connection else object()

    async def announce(self) -> None:
        self._announced = await self._answered(self._cluster.announce)
        for _ in range(ANNOUNCED_STEPS):
            await Step()

    async def describe(self) -> LastTransaction:
        await self._arrived()
        return self._cluster.describe()

    async def fence(self, timeout_ms: int, *, over: object) -> Identity | None:
        await self._confirm()
        await Step(is_hurried=True)
        if over is not self.connection:
            return None
        identity = self._cluster.init_producer(timeout_ms, None)
        await Step()  # the answer, which is lost with the connection
        return identity if over is self.connection else None

    async def fence_again(self, timeout_ms: int, identity: Identity) -> Identity | None:
        return await self._answered_if_confirmed(lambda: self._cluster.init_producer(timeout_ms, identity))

    async def existing(self, places: Collection[TopicPartition]) -> Collection[TopicPartition]:
        return places

    async def begin_completing(self, identity: Identity, places: Collection[TopicPartition]) -> None:
        while not await self._answered_if_confirmed(lambda: self._cluster.add(identity, places)):
            await Step()

    async def begin(self, identity: Identity, places: Collection[TopicPartition], *, over: object) -> bool:
        while True:
            await Step()
            if over is None:
                self._connection = self._cluster.connection
            elif over is not self.connection:
                return False
            is_begun = self._cluster.add(identity, places)
            await Step()
            if is_begun and self._connection is self._cluster.connection:
                return True

    async def end(self, identity: Identity, *, committed: bool) -> None:
        while not await self._answered(lambda: self._cluster.end(identity, committed=committed)):
            await Step()

    async def pause(self) -> None:
        await Step()

    async def _confirm(self) -> None:
        if await self._answered(lambda: self._cluster.announced, is_hurried=True) != self._announced:
            raise ProducerFenced

    async def _arrived(self, *, is_hurried: bool = False) -> None:
        await Step(is_hurried=is_hurried)
        self._connection = self._cluster.connection  # the one before may be gone: another is made

    async def _answered(self, request: Callable[[], T], *, is_hurried: bool = False) -> T:
        """Let a request arrive; where its answer, which may be hurried, is lost it is sent again."""
        while True:
            await self._arrived()
            answer = request()
            if await self._is_answered(is_hurried=is_hurried):
                return answer

    async def _answered_if_confirmed(self, request: Callable[[], T]) -> T:
        while True:
            await self._confirm()
            await self._arrived(is_hurried=True)
            answer = request()
            if await self._is_answered():
                return answer

    async def _is_answered(self, *, is_hurried: bool = False) -> bool:
        await Step(is_hurried=is_hurried)
        return self._connection is self._cluster.connection or self._random.random() < 0.5


class Worker:
    """Takes the task over and works through the input until it ends.

    ``position_of`` says where to go on: the driver's way is the state's own position.
    """

    def __init__(
        self, cluster: Cluster, random: Random, input_count: int, position_of: Callable[[Restored], int]
    ) -> None:
        self.is_open = False
        self._cluster = cluster
        self._random = random
        self._input_count = input_count
        self._position_of = position_of
        self._coordinator = ModelCoordinator(cluster, random)
        self._identity = Identity(-1, -1)
        self._committed_over: object = None
        self._touched: set[TopicPartition] = set()

    async def live(self) -> None:
        """Take over and work; ends when fenced, or when all input is processed."""
        try:
            identity, restored = await take_over(self._coordinator, STATE, self._read, WORK_TIMEOUT_MS)
            self.is_open = True
            await self._work(identity, restored)
        except (ProducerFenced, InvalidTxnState):
            return

    async def _read(self) -> Restored:
        rows: dict[bytes, Any] = {}
        end = len(self._cluster.read(STATE))
        await Step()
        for key, value in self._cluster.read(STATE)[:end]:  # type: ignore[misc]
            rows[key] = value
            if self._random.random() < 0.1:
                await Step()
        position = Position.of_row(rows[POSITION_KEY]) if rows else Position(inputs={INPUT: (0, 0)})
        count = rows.get(b"count", 0)
        return Restored(count, position)

    async def _work(self, identity: Identity, restored: Restored) -> None:
        position, count = restored.position, restored.count
        next_input = self._position_of(restored)
        position = position.resuming_at({INPUT: next_input})
        self._identity = identity
        while next_input < self._input_count:
            end = min(self._input_count, next_input + self._random.randint(1, BATCH_MAX))
            written = {place: [] for place in OUTPUTS}  # type: dict[TopicPartition, list[int]]
            for number in range(next_input, end):
                written[self._random.choice(OUTPUTS)].append(number)
            outputs = {place: numbers for place, numbers in written.items() if numbers}
            if not outputs.keys() <= position.output_partitions():
                position = position.declaring(list(outputs))
                await self._commit({}, position, [])
            count += end - next_input
            position, next_input = position.after({INPUT: end}), end
            await self._commit(outputs, position, [(b"count", count)])

    async def _commit(
        self,
        outputs: dict[TopicPartition, list[int]],
        position: Position,
        rows: list[tuple[bytes, object]],
    ) -> None:
        places = {STATE, OFFSETS, *outputs}
        await self._begin(places)
        row = position.row()
        work: list[tuple[TopicPartition, list[Any]]] = [
            (STATE, [*rows, (row.key, row.value)]), (OFFSETS, [position.starts[INPUT]]), *outputs.items(),
        ]  # fmt: skip
        self._random.shuffle(work)
        for place, values in work:
            await Step()
            self._cluster.produce(self._identity, place, values)
        await self._coordinator.end(self._identity, committed=True)

    async def _begin(self, places: Collection[TopicPartition]) -> None:
        self._identity = await begin(
            self._coordinator, self._identity, places, over=self._committed_over, last=self._touched,
            timeout_ms=WORK_TIMEOUT_MS,
        )  # fmt: skip
        self._committed_over, self._touched = self._coordinator.connection, set(places)
