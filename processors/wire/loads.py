"""Loads from memory and stores to it: some bytes at any position. For compiled code only.

Bytes are passed as the address of the first of them (`address_of`), so that a call passes numbers only. Whoever loads
or copies by words sees to it that there are bytes: eight beyond the last position (see `processors/wire/batch.py`).
Nothing is checked but in a checked build (`checked_memory`).
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import fused, inlined
from processors.wire.checked_memory import good, held

WORD = 8
"""Bytes of a word."""


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
    """A store of the lowest `size` bytes of a number, at any position."""

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


byte_at = cast("Callable[[int, Index], int]", intrinsic(_byte))
"""The byte at a position."""

word_at = cast("Callable[[int, Index], np.uint64]", intrinsic(_word))
"""The eight bytes from a position on, the first of them the lowest."""

number_at = cast("Callable[[int, Index], int]", intrinsic(_number))
"""The whole number of eight bytes at a position."""

real_at = cast("Callable[[int, Index], float]", intrinsic(_real))
"""The double at a position, a multiple of eight."""

put = cast("Callable[[int, Index, Index], int]", intrinsic(_putter(8)))
"""Store a whole number of eight bytes at a position, and give it back."""

put_four = cast("Callable[[int, Index, Index], int]", intrinsic(_putter(4)))
"""Store the lowest four bytes of a number at a position, and give the number back."""

put_two = cast("Callable[[int, Index, Index], int]", intrinsic(_putter(2)))
"""Store the lowest two bytes."""

put_byte = cast("Callable[[int, Index, Index], int]", intrinsic(_putter(1)))
"""Store the lowest byte."""

put_real = cast("Callable[[int, int, float], float]", intrinsic(_put_real))
"""Store a double at a position, a multiple of eight, and give it back."""

trailing_zeros = cast("Callable[[np.uint64], int]", intrinsic(_zeros))
"""How many zero bits are below the lowest one bit of a word that is not zero."""


_kept = cast("Callable[[int, int], int]", intrinsic(_held))


@inlined
def address_of(data: IntArray | FloatArray) -> int:
    """Where these bytes or numbers begin: good as long as the caller holds the array."""
    return _kept(int(np.int64(data.ctypes.data)), data.size * data.itemsize)


@fused
def copy_words(out: int, at: Index, data: int, start: Index, end: Index) -> int:
    """Copy a span of the bytes at `data` to position `at` of those at `out`; gives the place after it.

    It goes by words, so up to seven bytes more are read, and as many after the place that it gives are overwritten:
    there must be room, and what stands there is to be written later.
    """
    for offset in range(0, end - start, WORD):
        put(out, at + offset, number_at(data, start + offset))
    return int(at + end - start)
