"""Columns of values as input of a writer: views of arrays, with one value per row, or values shared by rows."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from processors.arrays import FloatArray, IntArray
from processors.wire.assembly import LIST, RAW, REAL, TEXT, TRUTH, WHOLE
from processors.wire.json_bytes import DECIMALS_FEW, DECIMALS_MANY
from processors.wire.loads import WORD

_encode = msgspec.json.Encoder().encode


class Texts(NamedTuple):
    """Strings as JSON writes them between quotes: string i is `data[starts[i]:ends[i]]`."""

    data: IntArray  # uint8, with at least one more word after the last
    starts: IntArray
    ends: IntArray

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Texts":
        r"""These strings as JSON.

        >>> texts = Texts.of(["a", 'b"']); texts.data[:4].tobytes(), texts.ends.tolist()
        (b'ab\\"', [1, 4])
        """
        return cls.of_json(_encode(string)[1:-1] for string in strings)

    @classmethod
    def of_json(cls, texts: Iterable[bytes]) -> "Texts":
        """These fragments of JSON."""
        listed = list(texts)
        lengths = np.fromiter(map(len, listed), dtype=np.int64, count=len(listed))
        ends = np.cumsum(lengths)
        return cls(np.frombuffer(b"".join(listed) + bytes(WORD), dtype=np.uint8), ends - lengths, ends)


class Values(NamedTuple):
    """A column. Row i has value `rows[i]` of the arrays, or value i without `rows`.

    `starts` are the values themselves for numbers; for texts and lists, the start of each.
    """

    kind: int
    starts: NDArray[Any]
    ends: NDArray[Any] | None = None
    rows: IntArray | None = None
    data: IntArray | None = None
    decimals: int = 0


def texts(of: Texts, rows: IntArray | None = None) -> Values:
    """Strings, written with quotes; a start of -1 means null."""
    return _spans(TEXT, of.starts, of.ends, rows, of.data)


def raws(of: Texts, rows: IntArray | None = None) -> Values:
    """Fragments of JSON, written as they are; a start of -1 means null."""
    return _spans(RAW, of.starts, of.ends, rows, of.data)


def lists(starts: IntArray, ends: IntArray, rows: IntArray | None = None) -> Values:
    """Lists, given by start and end among the rows of their elements."""
    return _spans(LIST, starts, ends, rows)


def wholes(values: NDArray[Any], rows: IntArray | None = None) -> Values:
    """Integers; `NULL_NUMBER` means null."""
    return Values(WHOLE, _numbers(values), rows=_of_rows(rows))


def truths(values: NDArray[Any], rows: IntArray | None = None) -> Values:
    """Booleans; zero means false."""
    return Values(TRUTH, _numbers(values), rows=_of_rows(rows))


def reals(values: FloatArray, decimals: int, rows: IntArray | None = None) -> Values:
    """Reals with at most 6 or 9 decimals."""
    if decimals not in (DECIMALS_FEW, DECIMALS_MANY):
        raise ValueError(f"reals have {DECIMALS_FEW} or {DECIMALS_MANY} decimals, not {decimals}")
    return Values(REAL, np.asarray(values, dtype=np.float64), rows=_of_rows(rows), decimals=decimals)


def _spans(kind: int, starts: IntArray, ends: IntArray, rows: IntArray | None, data: IntArray | None = None) -> Values:
    if starts.strides != ends.strides:
        starts, ends = np.ascontiguousarray(starts), np.ascontiguousarray(ends)
    return Values(kind, starts, ends, _of_rows(rows), data)


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype == np.int64 else values.astype(np.int64)


def _of_rows(rows: IntArray | None) -> IntArray | None:
    return None if rows is None else np.ascontiguousarray(rows, dtype=np.int64)
