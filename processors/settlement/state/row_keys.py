"""Keys of settlement's state rows: one of the partition, one of each listener, one of each impression.

A listener's key is `l/` and the name, an impression's `i/`, the listener's name, a zero byte and its id.
"""

from processors.arrays import Address, Index, Offset
from processors.compiled import fused
from processors.settlement.book.book import Book
from processors.settlement.book.layout import NO_TEXT
from processors.settlement.book.page import PAGE_ID_AT
from processors.wire.binary import put_int, text_span
from processors.wire.loads import address_of, copy_words

PARTITION_KEY = b"p"
LISTENER_KIND, IMPRESSION_KIND = b"l/", b"i/"
_SEPARATOR = b"\x00"
_KIND_BYTES, _SEPARATOR_BYTES = len(LISTENER_KIND), len(_SEPARATOR)
_LISTENER, _IMPRESSION, _BETWEEN = (
    int.from_bytes(part, "little") for part in (LISTENER_KIND, IMPRESSION_KIND, _SEPARATOR)
)


def listener_in(key: bytes) -> bytes:
    r"""Name of the listener in a key of either kind.

    >>> listener_in(b"l/ann"), listener_in(b"i/ann\0page-7")
    (b'ann', b'ann')
    """
    return key[_KIND_BYTES:].split(_SEPARATOR, 1)[0]


@fused
def key_bytes(book: Book, user_bytes: Index, page: Offset) -> int:
    """Size of a key: of a listener (page -1), or of an impression."""
    if page == NO_TEXT:
        return int(_KIND_BYTES + user_bytes)
    start, end = text_span(book.text, page + PAGE_ID_AT)
    return int(_KIND_BYTES + user_bytes + _SEPARATOR_BYTES + end - start)


@fused
def put_key(book: Book, start: Offset, end: Offset, page: Offset, out: Address, at: Offset) -> Offset:
    """Write the key of a listener, given by the span of the name (page -1), or of an impression."""
    text = address_of(book.text)
    at = put_int(out, at, _LISTENER if page == NO_TEXT else _IMPRESSION, _KIND_BYTES)
    at = copy_words(out, at, text, start, end)
    if page == NO_TEXT:
        return at
    id_start, id_end = text_span(book.text, page + PAGE_ID_AT)
    return copy_words(out, put_int(out, at, _BETWEEN, _SEPARATOR_BYTES), text, id_start, id_end)
