"""Text files as lines: UTF-8, plain or gzipped; whatever is none is refused with one line that says what to do.

Bytes are never replaced or guessed: a name that was read wrongly is another listener. Whether a file is gzipped is
read off its first bytes, since its name may say anything; a name that ends in .gz over other bytes is refused.
"""

import gzip
import os
import stat
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from streams.configuration_error import ConfigurationError

LINE_BYTES_MAX = 16 * 1_048_576
"""No row is as long: a device or a binary file is refused after so many bytes, not read into memory for ever."""
GZIP_MAGIC = b"\x1f\x8b"


def lines_of(path: Path) -> Iterator[str]:
    """Lines with their ends, the first without a byte order mark; raises `ConfigurationError` where it is no text."""
    with _opened(path) as file:
        number = 0
        while raw := file.readline(LINE_BYTES_MAX):
            number += 1
            yield _decoded(path, number, raw)


def bytes_of(path: Path) -> bytes:
    """All of a file, for a decoder that checks its encoding by itself; without a byte order mark."""
    with _opened(path) as file:
        return file.read().removeprefix(BOM_UTF8)


def text_of(path: Path) -> str:
    """All of a small text file; raises `ConfigurationError` where it is none."""
    return "".join(lines_of(path))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked where it is gzipped; whatever goes wrong while it is read is said in one line."""
    try:
        with path.open("rb") as plain:
            if stat.S_ISCHR(os.fstat(plain.fileno()).st_mode):
                raise ConfigurationError(f"{path} is a device, which may never end: name a file or a pipe")
            is_gzip = plain.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
            if path.suffix == ".gz" and not is_gzip:
                raise ConfigurationError(f"{path} is no gzip file, though its name says so: rename it, or pack it")
            yield cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if is_gzip else plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigurationError(
            f"{path} cannot be unpacked: {error}; it is damaged or cut off, copy it anew"
        ) from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot read {path}: {said}; name a file that exists and that you may read"
        ) from error


def _decoded(path: Path, number: int, raw: bytes) -> str:
    if number == 1:
        if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise ConfigurationError(f"{path} is UTF-16: convert it, for example with `iconv -f utf-16 -t utf-8`")
        raw = raw.removeprefix(BOM_UTF8)
    if b"\x00" in raw or len(raw) >= LINE_BYTES_MAX:
        raise ConfigurationError(f"{path}, line {number}: this is binary data, not UTF-8 text; name a text file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8; "
            "convert the file, for example with `iconv -f latin1 -t utf-8`"
        ) from error
