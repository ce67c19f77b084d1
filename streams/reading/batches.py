"""A record batch to records as aiokafka gives them, whatever the names of their headers are.

Compiled code reads it; a batch that this cannot is read by the same code in Python, more kindly.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy

from streams.reading.header_names import AnyNames


class _KindBatch(AnyNames, _DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    pass


def records_of(data: bytes | bytearray | memoryview, batch: Any = None) -> Iterator[Any]:
    """Give the records of one batch; ``batch`` is aiokafka's own of these bytes, where there is one already.

    Raises CorruptRecordException.
    """
    try:
        return iter(list(DefaultRecordBatch(data) if batch is None else batch))
    except (CorruptRecordException, UnicodeDecodeError):
        return iter(list(_KindBatch(data)))
