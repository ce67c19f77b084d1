"""A message as the bytes that were written of it: what compiled writers give."""

from typing import NamedTuple

from msgspec import Struct


class Written(NamedTuple):
    """The bytes of a message of this type, with what it is keyed by."""

    kind: type[Struct]
    key: bytes
    value: bytes
