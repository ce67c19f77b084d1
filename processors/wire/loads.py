"""Loads and stores at arbitrary memory positions, for compiled code only.

Bytes are passed as the address of the first one (`address_of`), so that calls pass plain numbers. Callers that load or
copy by words guarantee eight bytes beyond the last position (see `processors/wire/batch.py`). Only a checked build
checks addresses (`checked_memory`).
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from processors.arrays import Address, FloatArray, Index, IntArray, Offset
from processors.compiled import fused, inlined
from processors.wire.checked_memory import good, held

WORD = 8
"""Bytes per word."""


def _byte(_: Any, address: Any, at: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        pointer = builder.inttoptr(good(builder, places, 1), ir.IntType(8).as_pointer())
        return builder.zext(builder.load(pointer), ir.IntType(64))

    return types.int64(address, at), load


def _word(_: Any, address: Any, at: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        loaded = builder.load(builder.inttoptr(good(builder, places, WORD), ir.IntType(64).as_pointer()))
        loaded.align = 1
        return loaded

    return types.uint64(address, at), load


def _number(_: Any, address: Any, at: Any) -> Any:
    return types.int64(address, at), _word(_, address, at)[1]


def _real(_: Any, address: Any, at: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        return builder.load(builder.inttoptr(good(builder, places, WORD), ir.DoubleType().as_pointer()))

    return types.float64(address, at), load


def _putter(size: int) -> Callable[..., Any]:
    """A store of the lowest `size` bytes of a number at any position."""

    def put_bytes(_: Any, address: Any, at: Any, __: Any) -> Any:
        def store(_: Any, builder: Any, __: Any, places: Any) -> Any:
            kind = ir.IntType(8 * size)
            pointer = builder.inttoptr(good(builder, places[:2], size), kind.as_pointer())
            low = builder.trunc(places[2], kind) if size < 8 else places[2]
            builder.store(low, pointer).align = 1
            return places[2]

        return types.int64(address, at, types.int64), store

    return put_bytes


def _put_real(_: Any, address: Any, at: Any, real: Any) -> Any:
    def store(_: Any, builder: Any, __: Any, places: Any) -> Any:
        pointer = builder.inttoptr(good(builder, places[:2], WORD), ir.DoubleType().as_pointer())
        builder.store(places[2], pointer)
        return places[2]

    return real(address, at, real), store


def _held(_: Any, address: Any, __: Any) -> Any:
    def hold(_: Any, builder: Any, __: Any, places: Any) -> Any:
        return held(builder, places)

    return types.int64(address, types.int64), hold


def _zeros(_: Any, word: Any) -> Any:
    def count(_: Any, builder: Any, __: Any, words: Any) -> Any:
        return builder.cttz(words[0], ir.IntType(1)(1))

    return types.int64(word), count


byte_at = cast("Callable[[Address, Index], int]", intrinsic(_byte))
"""The byte at a position."""

word_at = cast("Callable[[Address, Index], np.uint64]", intrinsic(_word))
"""The eight bytes at a position, little-endian."""

number_at = cast("Callable[[Address, Index], int]", intrinsic(_number))
"""The signed 64-bit integer at a position."""

address_at = cast("Callable[[Address, Index], Address]", number_at)
"""The same, of an address."""

offset_at = cast("Callable[[Address, Index], Offset]", number_at)
"""The same, of an offset."""

real_at = cast("Callable[[Address, Index], float]", intrinsic(_real))
"""The double at a position that is a multiple of eight."""

put = cast("Callable[[Address, Index, Index], int]", intrinsic(_putter(8)))
"""Store a 64-bit integer at a position; returns it."""

put_four = cast("Callable[[Address, Index, Index], int]", intrinsic(_putter(4)))
"""Store the lowest four bytes of a number at a position; returns the number."""

put_two = cast("Callable[[Address, Index, Index], int]", intrinsic(_putter(2)))
"""Store the lowest two bytes."""

put_byte = cast("Callable[[Address, Index, Index], int]", intrinsic(_putter(1)))
"""Store the lowest byte."""

put_real = cast("Callable[[Address, Index, float], float]", intrinsic(_put_real))
"""Store a double at a position that is a multiple of eight; returns it."""

trailing_zeros = cast("Callable[[np.uint64], int]", intrinsic(_zeros))
"""Number of zero bits below the lowest one bit of a nonzero word."""


_kept = cast("Callable[[int, int], Address]", intrinsic(_held))


@inlined
def address_of(data: IntArray | FloatArray) -> Address:
    """Address of these bytes or numbers; valid as long as the caller keeps the array alive."""
    return _kept(int(np.int64(data.ctypes.data)), data.size * data.itemsize)


@fused
def copy_words(out: Address, at: Offset, origin: Address, start: Offset, end: Offset) -> Offset:
    """Copy a span of the bytes at `origin` to position `at` of those at `out`; returns the position after it.

    Copies are by words: up to seven bytes beyond the span are read, and as many beyond the result are overwritten.
    These must exist, and must be written later.
    """
    for offset in range(0, end - start, WORD):
        put(out, at + offset, number_at(origin, start + offset))
    return Offset(at + end - start)
