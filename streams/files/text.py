"""Text files as lines: UTF-8, plain or gzipped; anything else is refused with one line that says what to do.

Bytes are never replaced or guessed: a misread name is another listener. Compression is detected from the first
bytes, not from the name; a name ending in .gz with other content is refused.
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
"""Maximum length of a row: a device or a binary file is refused at this size, instead of filling memory."""
GZIP_MAGIC = b"\x1f\x8b"


def lines_of(path: Path) -> Iterator[str]:
    """Lines with their endings, without byte order mark; raises `ConfigurationError` if the file is not text."""
    with _opened(path) as file:
        number = 0
        while raw := file.readline(LINE_BYTES_MAX):
            number += 1
            yield _decoded(path, number, raw)


def bytes_of(path: Path) -> bytes:
    """The whole file without byte order mark, for a decoder that checks the encoding itself."""
    with _opened(path) as file:
        return file.read().removeprefix(BOM_UTF8)


def text_of(path: Path) -> str:
    """The whole of a small text file; raises `ConfigurationError` if it is not text."""
    return "".join(lines_of(path))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, decompressing it if it is gzipped; errors while reading become one line."""
    try:
        with path.open("rb") as plain:
            if stat.S_ISCHR(os.fstat(plain.fileno()).st_mode):
                raise ConfigurationError(f"{path} is a device, which may never end: use a file or a pipe")
            is_gzip = plain.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
            if path.suffix == ".gz" and not is_gzip:
                raise ConfigurationError(
                    f"{path} is not a gzip file, though its name says so: rename it, or compress it"
                )
            yield cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if is_gzip else plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigurationError(
            f"{path} cannot be decompressed: {error}; it is damaged or truncated, copy it again"
        ) from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cannot read {path}: {said}; use an existing, readable file") from error


def _decoded(path: Path, number: int, raw: bytes) -> str:
    if number == 1:
        if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise ConfigurationError(f"{path} is UTF-16: convert it, for example with `iconv -f utf-16 -t utf-8`")
        raw = raw.removeprefix(BOM_UTF8)
    if b"\x00" in raw or len(raw) >= LINE_BYTES_MAX:
        raise ConfigurationError(f"{path}, line {number}: this is binary data, not UTF-8 text; use a text file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8; "
            "convert the file, for example with `iconv -f latin1 -t utf-8`"
        ) from error
