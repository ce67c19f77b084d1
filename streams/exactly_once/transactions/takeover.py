"""Takes over a task from another worker, so that its last transaction counts in all partitions or in none.

Theory of operation. A task has one transactional id and one partition of the state topic. Its position, the next
offset of every input, is a row of that partition, written in every transaction. State and position thus share one log
and one marker, and cannot diverge. The outputs of a transaction, however, are in other partitions, each with its own
marker, and a broker may omit markers: Apache Kafka does so for a partition without a leader, for instance when a lone
broker restarts after the end of a transaction was decided but not carried out. Such a partition stays open, and the
*next* marker of the same producer id decides how it counts. The next marker must therefore repeat the decision.

Steps of a takeover:

1. **Announce** it: the next epoch of a second transactional id, in which nothing is ever written.
2. **Ask** the coordinator how the last transaction ended.
3. **Fence**, over the same connection: a coordinator that died in between may have omitted markers, and is asked
   again. A new epoch ends an open transaction, and no other producer can write from now on. The coordinator thereby
   forgets the decision. If it was to commit, the epoch is opened with a transaction timeout that nothing else uses,
   ``COMPLETING_TIMEOUT_MS``: the coordinator stores it, and so preserves the decision over a crash.
4. **Complete** the state partition: an empty transaction, ended like the last one, writes the missing marker.
   Fencing one's own epoch returns only when all its markers are written.
5. **Read** the state: rows, position, and the partitions that the task may have written to.
6. **Complete** these partitions.
7. **Begin** to work, in a further epoch with the usual timeout.

A worker that dies within an empty transaction of step 4 or 6 leaves it open. If it was to commit, the timeout says
so, and the next worker commits it before it fences; otherwise fencing aborts it, as intended.

A running worker that loses its connection to the coordinator between two transactions completes the partitions of its
own last transaction in the same way, before it begins the next.

Two workers at once. InitProducerId aborts an ongoing transaction, even if it expects an epoch that is outdated, and so
could abort one that repeats a commit. Before each request for an epoch, and before each attempt to begin a completing
transaction, a worker therefore confirms that its announcement is the newest; if it is not, the worker is fenced. The
request is sent at once, or confirmed again. An announcement waits for requests that others have confirmed before. So
from step 2 on nobody else fences or completes, until somebody announces a further takeover.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced

COMPLETING_TIMEOUT_MS = 899_999
"""Just below the default maximum of brokers (``transaction.max.timeout.ms``)."""

_COMMITTED = {"PrepareCommit", "CompleteCommit"}
_UNUSED = "Dead"


class Identity(NamedTuple):
    """Producer id and epoch; a higher epoch fences a lower one."""

    producer_id: int
    epoch: int


class LastTransaction(NamedTuple):
    """The coordinator's description of a transactional id; ``Dead`` if it was never used."""

    state: str
    timeout_ms: int
    identity: Identity

    @property
    def is_completing(self) -> bool:
        """Whether it repeats the commit of the previous transaction."""
        return self.timeout_ms == COMPLETING_TIMEOUT_MS

    @property
    def is_committed(self) -> bool:
        """Whether the last non-empty transaction was committed.

        >>> nobody = Identity(-1, -1)
        >>> [LastTransaction(state, 60_000, nobody).is_committed for state in ("CompleteCommit", "Empty", "Ongoing")]
        [True, False, False]
        >>> LastTransaction("Empty", COMPLETING_TIMEOUT_MS, nobody).is_committed
        True
        """
        return self.state in _COMMITTED or (self.state == "Empty" and self.is_completing)


class Held(NamedTuple):
    """A fenced task: our identity, and how the previous transaction ended."""

    identity: Identity
    was_committed: bool
    is_new: bool = False


class Coordinator(Protocol):
    """The coordinator of one transactional id, as a takeover uses it."""

    @property
    def connection(self) -> object:
        """The present connection; it changes when it was lost, and markers may have been lost with it."""
        ...

    async def announce(self) -> None:
        """Announce a takeover, so that workers which announced theirs earlier do not confirm any more.

        Returns when what they have confirmed before has arrived.
        """
        ...

    async def describe(self) -> LastTransaction:
        """How the last transaction ended, or is about to end."""
        ...

    async def fence(self, timeout_ms: int, *, over: object) -> Identity | None:
        """Confirm, then get the next epoch regardless of the present one, but over this connection only.

        None while the last transaction is still being ended, or if the connection is lost, whether or not the fence
        took effect. Raises ProducerFenced.
        """
        ...

    async def fence_again(self, timeout_ms: int, identity: Identity) -> Identity | None:
        """Confirm, then get the epoch after one's own; None while the last transaction is still being ended.

        Raises ProducerFenced, also if one's own epoch is not the newest.
        """
        ...

    async def existing(self, partitions: Collection[TopicPartition]) -> Collection[TopicPartition]:
        """The subset of these partitions that still exists."""
        ...

    async def begin_completing(self, identity: Identity, partitions: Collection[TopicPartition]) -> None:
        """Begin a completing transaction with these partitions; confirm before each attempt. Raises ProducerFenced."""
        ...

    async def begin(self, identity: Identity, partitions: Collection[TopicPartition], *, over: object) -> bool:
        """Begin a transaction with these partitions over this connection; False if it is lost.

        With ``over`` of None, any connection will do. Raises ProducerFenced.
        """
        ...

    async def end(self, identity: Identity, *, committed: bool) -> None:
        """End a transaction; its markers follow. Raises ProducerFenced, InvalidTxnState."""
        ...

    async def pause(self) -> None:
        """Wait before a retry."""
        ...


class StateRead(Protocol):
    """The part of a restored state that a takeover needs."""

    @property
    def outputs(self) -> Collection[TopicPartition]:
        """The partitions that the task may have written to."""
        ...


S = TypeVar("S", bound=StateRead)


async def take_over(
    coordinator: Coordinator, state: TopicPartition, read: Callable[[], Awaitable[S]], timeout_ms: int
) -> tuple[Identity, S]:
    """Take over a task and read its state; ``timeout_ms`` is the timeout of its transactions.

    Returns the identity to work with. Raises ProducerFenced if another worker takes the task over meanwhile.
    """
    await coordinator.announce()
    held = await ask_and_fence(coordinator, timeout_ms)
    if not held.is_new:
        held = await complete(coordinator, held, {state}, timeout_ms)
    found = await read()
    if outputs := await coordinator.existing(found.outputs):
        held = await complete(coordinator, held, outputs, timeout_ms)
    return await fenced_again(coordinator, held.identity, timeout_ms), found


async def ask_and_fence(coordinator: Coordinator, timeout_ms: int) -> Held:
    """Ask how the last transaction ended, and fence all other producers. Raises ProducerFenced."""
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


async def complete(
    coordinator: Coordinator, held: Held, partitions: Collection[TopicPartition], timeout_ms: int
) -> Held:
    """Write markers that the last transaction may lack in these partitions; return when they are written.

    Repeated if the connection to the coordinator was lost meanwhile, because markers may have been lost with it.
    """
    while True:
        connection = coordinator.connection
        await coordinator.begin_completing(held.identity, partitions)
        await coordinator.end(held.identity, committed=held.was_committed)
        next_timeout_ms = _timeout_ms(timeout_ms, committed=held.was_committed)
        held = held._replace(identity=await fenced_again(coordinator, held.identity, next_timeout_ms))
        if coordinator.connection is connection:
            return held


async def fenced_again(coordinator: Coordinator, identity: Identity, timeout_ms: int) -> Identity:
    """Get the epoch after one's own, once everything written with that has its markers."""
    while (fresh := await coordinator.fence_again(timeout_ms, identity)) is None:
        await coordinator.pause()
    return fresh


async def begin(
    coordinator: Coordinator,
    identity: Identity,
    partitions: Collection[TopicPartition],
    *,
    over: object,
    last: Collection[TopicPartition],
    timeout_ms: int,
) -> Identity:
    """Begin one's next transaction, once all markers of the previous one are written; returns the identity to use.

    A coordinator allows it only then. But if the coordinator died meanwhile, markers may have been omitted. The
    transaction must therefore begin ``over`` the connection of the last commit; otherwise the partitions of the
    ``last`` transaction are settled first. With None (nothing committed yet) any connection will do. Raises
    ProducerFenced.
    """
    while not await coordinator.begin(identity, partitions, over=over):
        identity, over = await settle(coordinator, identity, last, timeout_ms), None
    return identity


async def settle(
    coordinator: Coordinator, identity: Identity, partitions: Collection[TopicPartition], timeout_ms: int
) -> Identity:
    """Write markers that one's own last commit may lack in these partitions, and continue in a new epoch.

    Raises ProducerFenced.
    """
    held = Held(await fenced_again(coordinator, identity, COMPLETING_TIMEOUT_MS), was_committed=True)
    held = await complete(coordinator, held, partitions, timeout_ms)
    return await fenced_again(coordinator, held.identity, timeout_ms)


async def _commit_for(coordinator: Coordinator, identity: Identity) -> None:
    """Commit the completing transaction of a worker that may have died; do nothing if it continued meanwhile."""
    try:
        await coordinator.end(identity, committed=True)
    except (ProducerFenced, InvalidTxnState):
        await coordinator.pause()


def _timeout_ms(timeout_ms: int, *, committed: bool) -> int:
    return COMPLETING_TIMEOUT_MS if committed else timeout_ms
