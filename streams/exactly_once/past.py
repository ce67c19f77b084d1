"""How the last transaction of a transactional id ended: its coordinator is asked, just before it fences.

Apache Kafka 4.3 leaves out the marker of a partition that has no leader at that moment, as when a lone broker comes
back and finds a transaction whose end was decided and not carried out. What was written there stays open, and counts
as the next marker of the same producer says. So whoever opens next must write the marker that is missing, and not its
opposite: an abort would take state rows away whose outputs and offsets are committed. A fenced transaction leaves
no trace with its coordinator, hence the question comes first, and the answer is kept until there is another.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields
from typing_extensions import override

NOT_FOUND = 105  # aiokafka does not know this error: nobody has used the transactional id yet
_COMMITTED = {"PrepareCommit", "CompleteCommit"}
_UNKNOWN = {"Empty", "Dead"}


class TransactionsDescription(Response):  # type: ignore[misc]  # aiokafka has no types
    """The answer of Kafka's DescribeTransactions."""

    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString("utf-8")),
                ("state", CompactString("utf-8")),
                ("timeout_ms", Int32),
                ("started_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                (
                    "topics",
                    CompactArray(
                        ("topic", CompactString("utf-8")),
                        ("partitions", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeTransactionsV0(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """The question, as it goes over the wire."""

    FLEXIBLE_VERSION: ClassVar[bool] = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = TransactionsDescription
    SCHEMA = Schema(("transactional_ids", CompactArray(CompactString("utf-8"))), ("tags", TaggedFields))


class DescribeTransactions(Request[DescribeTransactionsV0]):  # type: ignore[misc]  # aiokafka has no types
    """The question, as aiokafka's client takes it."""

    API_KEY = 65

    def __init__(self, transactional_ids: Sequence[str]) -> None:
        self._transactional_ids = list(transactional_ids)

    @override
    def build(self, request_struct_class: type[Any]) -> Any:
        """Build the question in the version that was agreed on."""
        return request_struct_class(self._transactional_ids, {})


class Past:
    """What earlier openings of a task left behind, as far as this worker knows; kept from one to the next.

    ``places`` are the partitions that they may have written to, ``committed`` tells how their last transaction ended.
    """

    def __init__(self) -> None:
        self.places: frozenset[TopicPartition] = frozenset()
        self.committed = False

    def note(self, state: str) -> None:
        """Take the coordinator's word for it; after a fence alone it has none.

        >>> past = Past()
        >>> [(past.note(state), past.committed)[1] for state in ("CompleteCommit", "Empty", "Ongoing")]
        [True, True, False]
        """
        if state not in _UNKNOWN:
            self.committed = state in _COMMITTED


def ask_before_fencing(producer: AIOKafkaProducer, transactional_id: str, past: Past) -> None:
    """Let a producer, not started yet, ask its coordinator about the past whenever it is about to fence."""
    sender: Any = producer._sender  # noqa: SLF001  no public way to come between its connection and its fencing
    fence = sender._do_init_pid  # noqa: SLF001

    async def ask_and_fence(node_id: int) -> bool:
        try:
            state = await _state(producer, node_id, transactional_id)
        except KafkaError as error:
            if not error.retriable:
                raise
            sender._coordinator_dead(CoordinationType.TRANSACTION)  # noqa: SLF001
            return False  # it will try again
        past.note(state)
        return bool(await fence(node_id))

    sender._do_init_pid = ask_and_fence  # noqa: SLF001


async def _state(producer: AIOKafkaProducer, node_id: int, transactional_id: str) -> str:
    """Ask for the state; ``Empty`` where there is none, or the broker is too old to tell."""
    request = DescribeTransactions([transactional_id])
    try:
        response = await producer.client.send(node_id, request, group=ConnectionGroup.COORDINATION)
    except IncompatibleBrokerVersion:
        return "Empty"
    code, _, state, *_ = response.transactions[0]
    if code == NOT_FOUND:
        return "Empty"
    if code:
        raise for_code(code)(transactional_id)
    return str(state)
