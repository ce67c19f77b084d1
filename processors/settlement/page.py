"""An impression as it is kept: a contiguous, immutable range of bytes, which is also its state row.

Layout: time shown (8 bytes), number of exposures (3), number of logged fields beyond the first five (1, with the number
of later texts of each exposure in bits 5 and 6, and `HAS_GROUPS` if a soft group follows), id, the fields of
`LoggedPage` in order; for each exposure its row and slot (4 bytes each), shelf, card, the propensity and the values
`ORDER` as texts, empty for null; at the end the listener's soft group when the page was shown, see `page_groups`. Each
text is preceded by its length in two bytes. New fields of `LoggedPage` and `ORDER` are appended, so that older pages
are read as having fewer.
"""

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, fused
from processors.wire.binary import get_int, put_int, put_text, text_end
from processors.wire.impressions import LOGGED, ORDER, ImpressionColumns
from processors.wire.loads import address_of
from processors.wire.name_index import name_of
from schemas.outcomes import LoggedPage

COUNT_AT, COUNT_BYTES, LATER_AT, ID_AT = 8, 3, 11, 12
SLOT_AT, SHELF_AT = 4, 8  # in an exposure
LOGGED_COUNT, LOGGED_MIN = len(LOGGED), 5
ORDER_COUNT, ORDER_SHIFT, ORDER_MASK = len(ORDER), 5, 3
LATER_LOGGED_MASK, HAS_GROUPS = (1 << ORDER_SHIFT) - 1, 0x80
GROUP_BYTES, GENERATION_BYTES = 4, 8
TAIL_BYTES = GENERATION_BYTES + 1
"""Size after the weights of the soft group (`GROUP_BYTES` each): their generation and their number."""
_PAGE_BYTES = ID_AT + 2 + 2 * LOGGED_COUNT
_EXPOSURE_BYTES = 8 + 3 * 2 + 2 * ORDER_COUNT


def bytes_of_pages(columns: ImpressionColumns, groups: int) -> int:
    """Size of these impressions in the text, each with a soft group of `groups` weights."""
    spans = (columns.event_id, columns.logged, columns.shelf_id, columns.card_id, columns.propensity, columns.order)
    text = sum(int((span[..., 1] - span[..., 0]).sum()) for span in spans)
    page_bytes = _PAGE_BYTES + GROUP_BYTES * groups + TAIL_BYTES
    return text + page_bytes * len(columns.event_ms) + _EXPOSURE_BYTES * len(columns.row)


@borrowing
def write_page(columns: ImpressionColumns, number: Index, groups: Index, text: IntArray, at: Index) -> int:
    """Write impression `number` into a text with `HASH_AHEAD` spare bytes; returns the offset after it.

    Reserves `groups` weights for its soft group, zero until they are filled in (`page_groups`); 0 means no group.
    """
    first, last = columns.offsets[number], columns.offsets[number + 1]
    out, data, logged = address_of(text), address_of(columns.data), columns.logged[number]
    at = put_int(out, at, columns.event_ms[number], 8)
    put_int(out, at, last - first, 4)
    later = LOGGED_COUNT - LOGGED_MIN + (ORDER_COUNT << ORDER_SHIFT)
    at = put_int(out, at + COUNT_BYTES, later | HAS_GROUPS if groups else later, 1)
    at = put_text(out, at, data, columns.event_id[number, 0], columns.event_id[number, 1])
    for field in range(LOGGED_COUNT):
        at = put_text(out, at, data, logged[field, 0], logged[field, 1])
    for exposure in range(first, last):
        at = put_int(out, at, columns.row[exposure], 4)
        at = put_int(out, at, columns.slot[exposure], 4)
        at = put_text(out, at, data, columns.shelf_id[exposure, 0], columns.shelf_id[exposure, 1])
        at = put_text(out, at, data, columns.card_id[exposure, 0], columns.card_id[exposure, 1])
        at = put_text(out, at, data, columns.propensity[exposure, 0], columns.propensity[exposure, 1])
        for field in range(ORDER_COUNT):
            at = put_text(out, at, data, columns.order[exposure, field, 0], columns.order[exposure, field, 1])
    if groups:
        for _ in range(groups):
            at = put_int(out, at, 0, GROUP_BYTES)
        at = put_int(out, put_int(out, at, 0, GENERATION_BYTES), groups, 1)
    return int(at)


@borrowing
def shown_ms_of(text: IntArray, page: Index) -> int:
    """When the page was shown."""
    return get_int(text, page, 8)


@borrowing
def logged_at(text: IntArray, page: Index) -> int:
    """Offset of the texts that were logged with a page."""
    return text_end(text, page + ID_AT)


@borrowing
def logged_count(text: IntArray, page: Index) -> int:
    """Number of these texts."""
    return LOGGED_MIN + (get_int(text, page + LATER_AT, 1) & LATER_LOGGED_MASK)


@borrowing
def order_count(text: IntArray, page: Index) -> int:
    """Number of later texts of each of its exposures."""
    return (get_int(text, page + LATER_AT, 1) >> ORDER_SHIFT) & ORDER_MASK


@borrowing
def variant_at(text: IntArray, page: Index) -> int:
    """Offset of the variant, which follows the surface."""
    return text_end(text, logged_at(text, page))


@borrowing
def exposures_at(text: IntArray, page: Index) -> int:
    """Offset of the exposures."""
    at = logged_at(text, page)
    for _ in range(logged_count(text, page)):
        at = text_end(text, at)
    return int(at)


def logged_page(text: bytes) -> LoggedPage:
    r"""What was logged with a page, from its texts; fields that an older page lacks get the schema's defaults.

    >>> logged_page(b"\x03\0top\x01\0b").variant
    'b'
    """
    parts, at = [], 0
    while at < len(text):
        end = at + 2 + int.from_bytes(text[at : at + 2], "little")
        parts.append(name_of(text[at + 2 : end]))
        at = end
    return LoggedPage(*parts)


@fused
def propensity_of(text: IntArray, exposure: Index) -> int:
    """Offset of the propensity of an exposure, after shelf and card."""
    return text_end(text, text_end(text, exposure + SHELF_AT))


@borrowing
def exposure_end(text: IntArray, exposure: Index, later: Index) -> int:
    """Offset after an exposure with this number of later texts."""
    at = text_end(text, propensity_of(text, exposure))
    for _ in range(later):
        at = text_end(text, at)
    return int(at)


@borrowing
def exposure_at(text: IntArray, page: Index, index: Index) -> int:
    """Offset of exposure `index`."""
    at, later = exposures_at(text, page), order_count(text, page)
    for _ in range(index):
        at = exposure_end(text, at, later)
    return int(at)
