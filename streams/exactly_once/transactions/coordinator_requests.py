"""Requests to coordinators that aiokafka lacks, or has only in older versions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from typing_extensions import override

_TAGS = ("tags", TaggedFields)
_TEXT = CompactString("utf-8")


class TransactionsDescription(Response):  # type: ignore[misc]  # aiokafka has no types
    """Response to DescribeTransactions."""

    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", _TEXT),
                ("state", _TEXT),
                ("timeout_ms", Int32),
                ("started_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                ("topics", CompactArray(("topic", _TEXT), ("partitions", CompactArray(Int32)), _TAGS)),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class DescribeTransactionsV0(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """DescribeTransactions on the wire."""

    FLEXIBLE_VERSION: ClassVar[bool] = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = TransactionsDescription
    SCHEMA = Schema(("transactional_ids", CompactArray(_TEXT)), _TAGS)


class DescribeTransactions(Request[DescribeTransactionsV0]):  # type: ignore[misc]  # aiokafka has no types
    """Asks how the last transaction of a transactional id ended."""

    API_KEY = 65

    def __init__(self, transactional_ids: Sequence[str]) -> None:
        self._transactional_ids = list(transactional_ids)

    @override
    def build(self, request_struct_class: type[Any]) -> Any:
        """Build the request in the negotiated version."""
        return request_struct_class(self._transactional_ids, {})


class ProducerIdGiven(Response):  # type: ignore[misc]  # aiokafka has no types
    """Response to InitProducerId."""

    API_KEY = 22
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("error_code", Int16), ("producer_id", Int64), ("producer_epoch", Int16), _TAGS
    )


class InitProducerIdV3(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """InitProducerId on the wire."""

    FLEXIBLE_VERSION: ClassVar[bool] = True
    API_KEY = 22
    API_VERSION = 3
    RESPONSE_TYPE = ProducerIdGiven
    SCHEMA = Schema(
        ("transactional_id", _TEXT),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        _TAGS,
    )


class InitProducerId(Request[InitProducerIdV3]):  # type: ignore[misc]  # aiokafka has no types
    """Fences; if a producer id and epoch are given (not -1), only if they are the newest (KIP-360)."""

    API_KEY = 22

    def __init__(self, transactional_id: str, timeout_ms: int, producer_id: int, epoch: int) -> None:
        self._fields = (transactional_id, timeout_ms, producer_id, epoch)

    @override
    def build(self, request_struct_class: type[Any]) -> Any:
        """Build the request in the negotiated version."""
        return request_struct_class(*self._fields, {})


class OffsetsFetched(Response):  # type: ignore[misc]  # aiokafka has no types
    """Response to OffsetFetch."""

    API_KEY = 9
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _TEXT),
                        ("error_code", Int16),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        ("error_code", Int16),
        _TAGS,
    )


class OffsetFetchV7(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """OffsetFetch on the wire."""

    FLEXIBLE_VERSION: ClassVar[bool] = True
    API_KEY = 9
    API_VERSION = 7
    RESPONSE_TYPE = OffsetsFetched
    SCHEMA = Schema(
        ("group_id", _TEXT),
        ("topics", CompactArray(("topic", _TEXT), ("partitions", CompactArray(Int32)), _TAGS)),
        ("require_stable", Boolean),
        _TAGS,
    )


class StableOffsetFetch(Request[OffsetFetchV7]):  # type: ignore[misc]  # aiokafka has no types
    """Asks for a group's committed offsets, except those of pending transactions (KIP-447)."""

    API_KEY = 9

    def __init__(self, group: str, partitions: Mapping[str, Iterable[int]]) -> None:
        self._group = group
        self._topics: list[tuple[str, list[int], dict[int, bytes]]] = [
            (topic, list(numbers), {}) for topic, numbers in partitions.items()
        ]

    @override
    def build(self, request_struct_class: type[Any]) -> Any:
        """Build the request in the negotiated version."""
        return request_struct_class(self._group, self._topics, True, {})
