"""Counter-based random numbers: a function of their key instead of a stream, so independent of the order of draws.

A draw is keyed by (seed, user, ranking number, purpose), so a ranking can be reproduced byte for byte, alone or among
others, in any batch. The mixing function is splitmix64 (Steele, Lea, Flood, OOPSLA 2014, figure 16).
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.arrays import FloatArray, IntArray

KeyArray = NDArray[np.uint64]
BoolArray = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def name_key(name: str) -> int:
    """A 64-bit key of a name, equal on all machines and in all processes.

    >>> name_key("u1") == name_key("u1") != name_key("u2")
    True
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def mixed(key: KeyArray, salt: "IntArray | KeyArray | int") -> KeyArray:
    """Mix `salt` into each key; arrays broadcast.

    >>> mixed(np.array([1, 2], dtype=np.uint64), 3).tolist() == mixed(np.array([1, 2], dtype=np.uint64), 3).tolist()
    True
    """
    with np.errstate(over="ignore"):
        state = key + _GOLDEN * (np.asarray(salt).astype(np.uint64) + np.uint64(1))
        state = (state ^ (state >> np.uint64(30))) * _MIX_1
        state = (state ^ (state >> np.uint64(27))) * _MIX_2
        return np.asarray(state ^ (state >> np.uint64(31)), dtype=np.uint64)


def uniforms(key: KeyArray) -> FloatArray:
    """A number in [0, 1) for each key, with 53 random bits.

    >>> keys = mixed(np.zeros(10_000, dtype=np.uint64), np.arange(10_000))
    >>> bool(abs(uniforms(keys).mean() - 0.5) < 0.01)
    True
    """
    return np.asarray((key >> np.uint64(11)).astype(np.float64) * 2.0**-53, dtype=np.float64)


def keyed_seed(key: np.uint64) -> int:
    """A seed for another generator."""
    return int(key >> np.uint64(33))


def ranking_keys(seed: int, user_keys: "NDArray[Any]", ranking_numbers: IntArray) -> KeyArray:
    """The key [n] of all draws for one ranking of one listener."""
    seeded = mixed(np.full(len(user_keys), seed, dtype=np.uint64), np.asarray(user_keys, dtype=np.uint64))
    return mixed(seeded, ranking_numbers)
