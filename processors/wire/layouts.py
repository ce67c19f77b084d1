"""Layouts of records in bytes: the fields are declared once, by name, and putting, getting and skipping follow.

A record is a sequence of little-endian unsigned integers and of texts, each preceded by its length in two bytes. A
field may depend on bits of an earlier number. The functions of a layout are generated as source text, as `dataclasses`
does: a compiled function can neither loop over fields of different kinds, nor take them by name otherwise.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from processors.arrays import Address, Index, IntArray, Offset
from processors.compiled import fused
from processors.wire.binary import LENGTH_BYTES, get_int, put_int, put_text, text_end

Reader = Callable[[IntArray, Offset], int]
Finder = Callable[[IntArray, Offset], Offset]
"""They take bytes and the offset of a record in them, and return a number of it, or the offset of a field."""


class When(NamedTuple):
    """The condition of a field: `number & mask == value`."""

    number: str
    mask: int
    value: int


class Field(NamedTuple):
    """A number of `size` bytes, or a text if that is 0."""

    name: str
    size: int
    when: When | None = None


def u8(name: str) -> Field:
    """A number of one byte."""
    return Field(name, 1)


def u16(name: str) -> Field:
    """A number of two bytes."""
    return Field(name, 2)


def u24(name: str) -> Field:
    """A number of three bytes."""
    return Field(name, 3)


def u32(name: str) -> Field:
    """A number of four bytes."""
    return Field(name, 4)


def u64(name: str) -> Field:
    """A number of eight bytes; it is signed, so that its largest value is 2**63 - 1."""
    return Field(name, 8)


def text(name: str, when: When | None = None) -> Field:
    """A text with its length."""
    return Field(name, 0, when)


class Layout:
    r"""Fields of a record, in order.

    >>> import numpy as np
    >>> song = Layout("song", u32("plays"), text("title"), u8("is_live"), text("place", When("is_live", 1, 1)))
    >>> out, data = np.zeros(40, dtype=np.uint8), np.frombuffer(b"Blue/Paris" + bytes(8), dtype=np.uint8)
    >>> put, end = song.put(), song.end()
    >>> put(out.ctypes.data, 0, data.ctypes.data, plays=7, title=(0, 4), is_live=1, place=(5, 10))
    18
    >>> out[:18].tobytes(), end(out, 0), song.get("is_live")(out, 0), song.offset("title"), song.bytes_min
    (b'\x07\x00\x00\x00\x04\x00Blue\x01\x05\x00Paris', 18, 1, 4, 7)
    """

    def __init__(self, name: str, *fields: Field) -> None:
        self.name, self.fields = name, fields
        self._by_name = {field.name: field for field in fields}
        self._made: dict[str, Callable[..., Any]] = {}

    @property
    def bytes_min(self) -> int:
        """Size of a record without its conditional fields, whose texts are empty."""
        return sum(field.size or LENGTH_BYTES for field in self.fields if field.when is None)

    @property
    def bytes_max(self) -> int:
        """Size of a record with all fields, whose texts are empty."""
        return sum(field.size or LENGTH_BYTES for field in self.fields)

    def and_then(self, name: str, *fields: Field) -> "Layout":
        """The same layout with more fields at the end, under a name of its own."""
        return Layout(name, *self.fields, *fields)

    def offset(self, name: str) -> int:
        """Offset of a field before which there is no text."""
        before = self._before(name)
        if not all(field.size for field in before):
            raise ValueError(f"{name} of {self.name} has no fixed offset")
        return sum(field.size for field in before)

    def reader(self, name: str) -> Callable[[bytes], int]:
        """Function of Python that returns the number at a fixed offset of a record."""
        start = self.offset(name)
        end = start + self._by_name[name].size
        return lambda record: int.from_bytes(record[start:end], "little")

    def get(self, name: str) -> Reader:
        """Compiled function that returns a number."""
        body = [*self._skipped(name), f"return get_int(data, at, {self._by_name[name].size})"]
        return self._function(f"{name}_of", "data, record", body)

    def numbers(self) -> Callable[[IntArray, Offset], Any]:
        """Compiled function that returns all numbers of a record as a named tuple."""
        names = [field.name for field in self.fields if field.size]
        lines = self._skipped(None, wanted=set(names))
        return self._function("numbers", "data, record", [*lines, f"return Numbers({', '.join(names)})"], names)

    def place(self, name: str) -> Finder:
        """Compiled function that returns the offset of a field in the data."""
        return self._function(f"{name}_at", "data, record", [*self._skipped(name), "return int(at)"])

    def end(self) -> Finder:
        """Compiled function that returns the offset after a record."""
        return self._function("end", "data, record", [*self._skipped(None), "return int(at)"])

    def put(self) -> Callable[..., Offset]:
        """Compiled function `(out, at, [origin,] field=…, …)` that writes a record, and returns the offset after it.

        `out` and `origin` are addresses. A text is given by start and end at `origin`; as it is copied by words, up to
        seven bytes after the record are overwritten.
        """
        lines = []
        for field in self.fields:
            if field.size:
                line = f"at = put_int(out, at, {field.name}, {field.size})"
            else:
                line = f"at = put_text(out, at, origin, {field.name}[0], {field.name}[1])"
            lines += [line] if field.when is None else [f"if {_condition(field.when)}:", f"    {line}"]
        origin = ["origin"] if any(not field.size for field in self.fields) else []
        parameters = ", ".join(["out", "at", *origin, *self._by_name])
        return self._function("put", parameters, [*lines, "return int(at)"])

    def replace(self, name: str) -> Callable[[Address, Offset, Index], Offset]:
        """Compiled function `(out, record, value)` that writes the number at a fixed offset again."""
        line = f"return int(put_int(out, record + {self.offset(name)}, value, {self._by_name[name].size}))"
        return self._function(f"replace_{name}", "out, record, value", [line])

    def _before(self, name: str | None) -> tuple[Field, ...]:
        names = list(self._by_name)
        return self.fields if name is None else self.fields[: names.index(name)]

    def _skipped(self, name: str | None, wanted: AbstractSet[str] = frozenset()) -> list[str]:
        """Lines after which `at` is the offset of a field, or of the end of the record, and wanted numbers are read."""
        before = self._before(name)
        wanted = wanted | {field.when.number for field in before if field.when is not None}
        lines, passed = ["at = record"], 0
        for field in before:
            if field.name in wanted:
                lines.append(f"{field.name} = get_int(data, at + {passed}, {field.size})")
            if field.size:
                passed += field.size
                continue
            if passed:
                lines, passed = [*lines, f"at += {passed}"], 0
            line = "at = text_end(data, at)"
            lines += [line] if field.when is None else [f"if {_condition(field.when)}:", f"    {line}"]
        return [*lines, f"at += {passed}"] if passed else lines

    def _function(self, name: str, parameters: str, body: list[str], numbers: Iterable[str] = ()) -> Callable[..., Any]:
        name = f"{self.name}_{name}"
        if name not in self._made:
            source = "\n    ".join([f"def {name}({parameters}):", *body])
            names: dict[str, Any] = {"__name__": __name__, **_NAMES, "Numbers": namedtuple("Numbers", numbers)}  # noqa: PYI024  of names known here only
            exec(source, names)  # noqa: S102  of names in our own sources only, see the top of the file
            self._made[name] = fused(names[name])
        return self._made[name]


_NAMES: Mapping[str, Any] = {"get_int": get_int, "put_int": put_int, "put_text": put_text, "text_end": text_end}


def _condition(when: When) -> str:
    return f"{when.number} & {when.mask} == {when.value}"
