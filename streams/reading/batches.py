"""Unpacks a record batch into aiokafka's records, whatever the names of their headers are.

aiokafka's compiled reader is tried first; its Python version, adapted, reads batches that the former refuses.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy

from streams.reading.header_names import AnyNames


class _KindBatch(AnyNames, _DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    pass


def records_of(data: bytes | bytearray | memoryview, batch: Any = None) -> Iterator[Any]:
    """Yield the records of one batch; ``batch`` is aiokafka's object of these bytes, if there is one already.

    Raises CorruptRecordException.
    """
    try:
        return iter(list(DefaultRecordBatch(data) if batch is None else batch))
    except (CorruptRecordException, UnicodeDecodeError):
        return iter(list(_KindBatch(data)))
