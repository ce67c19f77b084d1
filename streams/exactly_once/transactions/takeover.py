"""How a task is taken over, so that the last transaction of whoever had it counts everywhere or nowhere.

Theory of operation. A task has one transactional id and one partition of the state topic. Its position, the next
offset of every input, is a row of that partition, written in every transaction. So state and position have one log
and one marker, and cannot part. What remains is that the outputs of a transaction lie in other partitions, each with
a marker of its own, and that a broker may leave markers out: Apache Kafka does so for a partition without a leader,
as when a lone broker comes back to a transaction whose end was decided and not carried out. Such a partition stays
open, and counts as the *next* marker of the same producer id says. Therefore the next marker must repeat the decision.

To take a task over:

1. **Ask** the coordinator how the last transaction ended.
2. **Fence**, over the same connection: a coordinator that died in between may have left markers out, and is asked
   again. A new epoch ends what was open, and nobody else can write from now on. The coordinator forgets the
   decision with it. If that was to commit, the epoch is opened with a transaction timeout that nothing else uses,
   ``COMPLETING_TIMEOUT_MS``: the coordinator keeps it, and so the decision, for whoever asks after a crash.
3. **Complete** the state's partition: an empty transaction, ended as the last one was, puts the missing marker there.
   A fence of one's own epoch returns only when all its markers are written.
4. **Read** the state: rows, position, and the partitions that the task may have written to.
5. **Complete** these partitions.
6. **Begin** to work, in one more epoch with the usual timeout.

A worker that dies within an empty transaction of step 3 or 5 leaves it open. If it was to commit, the timeout says
so, and the next worker commits it before it fences; else fencing aborts it, which is what it was for. Each epoch after
the first is asked for with the one before, so whoever was fenced meanwhile learns it instead of fencing in turn.

While it works, a worker whose connection to the coordinator is lost between two transactions completes the places of
its own last one in the same way, before it begins the next.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced

COMPLETING_TIMEOUT_MS = 899_999
"""Just below the longest transaction that brokers allow by default (``transaction.max.timeout.ms``)."""

_COMMITTED = {"PrepareCommit", "CompleteCommit"}
_UNUSED = "Dead"


class Identity(NamedTuple):
    """Who a producer is to the brokers: a higher epoch fences a lower one."""

    producer_id: int
    epoch: int


class LastTransaction(NamedTuple):
    """What the coordinator says of a transactional id; ``Dead`` where nobody has used it yet."""

    state: str
    timeout_ms: int
    identity: Identity

    @property
    def is_completing(self) -> bool:
        """Whether it repeats the commit of the transaction before."""
        return self.timeout_ms == COMPLETING_TIMEOUT_MS

    @property
    def is_committed(self) -> bool:
        """Whether the last transaction with something in it was committed.

        >>> nobody = Identity(-1, -1)
        >>> [LastTransaction(state, 60_000, nobody).is_committed for state in ("CompleteCommit", "Empty", "Ongoing")]
        [True, False, False]
        >>> LastTransaction("Empty", COMPLETING_TIMEOUT_MS, nobody).is_committed
        True
        """
        return self.state in _COMMITTED or (self.state == "Empty" and self.is_completing)


class Held(NamedTuple):
    """A task that was fenced off from others: our identity, and how the transaction before us ended."""

    identity: Identity
    was_committed: bool
    is_new: bool = False


class Coordinator(Protocol):
    """What taking over asks of the coordinator of one transactional id."""

    @property
    def connection(self) -> object:
        """The connection to it; another one where it was lost, and markers may have been with it."""
        ...

    async def describe(self) -> LastTransaction:
        """Tell how the last transaction ended, or is about to."""
        ...

    async def fence(self, timeout_ms: int, *, over: object) -> Identity | None:
        """Get the next epoch, whoever has the newest, but over this connection only.

        None while the last transaction is still being ended, and where the connection is lost, whether the fence took
        place or not.
        """
        ...

    async def fence_anew(self, timeout_ms: int, identity: Identity) -> Identity | None:
        """Get the epoch after one's own; None while the last transaction is still being ended.

        Raises ProducerFenced when one's own is not the newest.
        """
        ...

    async def existing(self, places: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """Give those of these partitions that have not been deleted meanwhile."""
        ...

    async def add_partitions(self, identity: Identity, places: Collection[TopicPartition]) -> None:
        """Begin a transaction with these partitions. Raises ProducerFenced."""
        ...

    async def begin(self, identity: Identity, places: Collection[TopicPartition], *, over: object) -> bool:
        """Begin a transaction with these partitions over this connection; false where it is lost.

        Over whichever there is, where ``over`` is None. Raises ProducerFenced.
        """
        ...

    async def end(self, identity: Identity, *, committed: bool) -> None:
        """End a transaction; its markers follow. Raises ProducerFenced, InvalidTxnState."""
        ...

    async def pause(self) -> None:
        """Wait a moment before the same is asked again."""
        ...


class StateRead(Protocol):
    """What taking over needs to know of a state that was read."""

    @property
    def outputs(self) -> Collection[TopicPartition]:
        """The partitions that the task may have written to."""
        ...


S = TypeVar("S", bound=StateRead)


async def take_over(
    coordinator: Coordinator, state: TopicPartition, read: Callable[[], Awaitable[S]], timeout_ms: int
) -> tuple[Identity, S]:
    """Take a task over and read its state; ``timeout_ms`` is that of its transactions.

    Gives the identity to work with. Raises ProducerFenced when another worker takes it over meanwhile.
    """
    held = await ask_and_fence(coordinator, timeout_ms)
    if not held.is_new:
        held = await complete(coordinator, held, {state}, timeout_ms)
    found = await read()
    if outputs := await coordinator.existing(found.outputs):
        held = await complete(coordinator, held, outputs, timeout_ms)
    return await fenced_anew(coordinator, held.identity, timeout_ms), found


async def ask_and_fence(coordinator: Coordinator, timeout_ms: int) -> Held:
    """Learn how the last transaction ended, and end everybody else's right to write."""
    while True:
        last = await coordinator.describe()
        if last.state == "Ongoing" and last.is_completing:
            await _commit_for(coordinator, last.identity)
            continue
        timeout = _timeout_ms(timeout_ms, committed=last.is_committed)
        identity = await coordinator.fence(timeout, over=coordinator.connection)
        if identity is not None:
            return Held(identity, last.is_committed, last.state == _UNUSED)
        await coordinator.pause()


async def complete(coordinator: Coordinator, held: Held, places: Collection[TopicPartition], timeout_ms: int) -> Held:
    """Write the markers that the last transaction may lack in these places; return when they are there.

    Again, where the connection to the coordinator was lost meanwhile: with it markers may have been.
    """
    while True:
        connection = coordinator.connection
        await coordinator.add_partitions(held.identity, places)
        await coordinator.end(held.identity, committed=held.was_committed)
        next_timeout_ms = _timeout_ms(timeout_ms, committed=held.was_committed)
        held = held._replace(identity=await fenced_anew(coordinator, held.identity, next_timeout_ms))
        if coordinator.connection is connection:
            return held


async def fenced_anew(coordinator: Coordinator, identity: Identity, timeout_ms: int) -> Identity:
    """Get the next epoch after one's own, once everything that was written with it has its markers."""
    while (fresh := await coordinator.fence_anew(timeout_ms, identity)) is None:
        await coordinator.pause()
    return fresh


async def begin(
    coordinator: Coordinator,
    identity: Identity,
    places: Collection[TopicPartition],
    *,
    over: object,
    last: Collection[TopicPartition],
    timeout_ms: int,
) -> Identity:
    """Begin one's next transaction, once all markers of the one before are written; gives the identity to go on with.

    A coordinator lets it begin only then. But if it died meanwhile, markers may be left out: so it must begin ``over``
    the connection over which the last one was committed, else the ``last`` one's places are settled first. Over any
    connection (None), where nothing was committed yet. Raises ProducerFenced.
    """
    while not await coordinator.begin(identity, places, over=over):
        identity, over = await settle(coordinator, identity, last, timeout_ms), None
    return identity


async def settle(
    coordinator: Coordinator, identity: Identity, places: Collection[TopicPartition], timeout_ms: int
) -> Identity:
    """Write the markers that one's own last commit may lack in these places, and go on in a new epoch.

    Raises ProducerFenced.
    """
    held = Held(await fenced_anew(coordinator, identity, COMPLETING_TIMEOUT_MS), was_committed=True)
    held = await complete(coordinator, held, places, timeout_ms)
    return await fenced_anew(coordinator, held.identity, timeout_ms)


async def _commit_for(coordinator: Coordinator, identity: Identity) -> None:
    """Finish the completing transaction of a worker that may be gone; if it went on meanwhile, do nothing."""
    try:
        await coordinator.end(identity, committed=True)
    except (ProducerFenced, InvalidTxnState):
        await coordinator.pause()


def _timeout_ms(timeout_ms: int, *, committed: bool) -> int:
    return COMPLETING_TIMEOUT_MS if committed else timeout_ms
