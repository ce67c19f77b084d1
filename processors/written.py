"""An encoded message, the output of compiled writers."""

from typing import NamedTuple

from msgspec import Struct


class Written(NamedTuple):
    """The bytes of a message of this type, with its key."""

    kind: type[Struct]
    key: bytes
    value: bytes
