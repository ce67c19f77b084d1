"""An impression as it is kept: contiguous bytes, which are also its state row; only its soft group changes."""

from processors.arrays import Index, IntArray, Offset, Place
from processors.compiled import borrowing, fused
from processors.settlement.book.state_layouts import (
    EXPOSURE,
    GROUP_END,
    HAS_GROUPS,
    LATER_LOGGED_MASK,
    LOGGED_COUNT,
    LOGGED_MIN,
    ORDER_COUNT,
    ORDER_MASK,
    ORDER_SHIFT,
    PAGE,
    WEIGHT_BYTES,
)
from processors.wire.binary import LENGTH_BYTES, put_int, put_text, span_in, text_end
from processors.wire.impressions import ImpressionColumns
from processors.wire.loads import address_of
from processors.wire.name_index import name_of
from schemas.outcomes import LoggedPage

PAGE_ID_AT = PAGE.offset("event_id")
LATER_AT = PAGE.offset("later")
_LATER = LOGGED_COUNT - LOGGED_MIN + (ORDER_COUNT << ORDER_SHIFT)
_put_page, _put_exposure, _put_group_end = PAGE.put(), EXPOSURE.put(), GROUP_END.put()

shown_ms_of, exposure_count_of, later_of = (PAGE.get(name) for name in ("shown_ms", "exposures", "later"))
logged_at = PAGE.end()
"""Offset of the texts that were logged with a page."""

row_of, slot_of = EXPOSURE.get("row"), EXPOSURE.get("slot")
shelf_at, card_at, propensity_at = (EXPOSURE.place(name) for name in ("shelf_id", "card_id", "propensity"))
order_at = EXPOSURE.end()
"""Offset of the values `ORDER` of an exposure."""


def bytes_of_pages(columns: ImpressionColumns, groups: int) -> int:
    """Size of these impressions in the text, each with a soft group of `groups` weights."""
    spans = (columns.event_id, columns.logged, columns.shelf_id, columns.card_id, columns.propensity, columns.order)
    text = sum(int((span[..., 1] - span[..., 0]).sum()) for span in spans)
    page_bytes = PAGE.bytes_min + LENGTH_BYTES * LOGGED_COUNT + WEIGHT_BYTES * groups + GROUP_END.bytes_min
    exposure_bytes = EXPOSURE.bytes_min + LENGTH_BYTES * ORDER_COUNT
    return text + page_bytes * len(columns.event_ms) + exposure_bytes * len(columns.row)


@borrowing
def write_page(columns: ImpressionColumns, number: Index, groups: Index, text: IntArray, at: Offset) -> Offset:
    """Write impression `number` into a text with `HASH_AHEAD` spare bytes; returns the offset after it.

    Reserves `groups` weights for its soft group, zero until they are filled in (`page_groups`); 0 means no group.
    """
    first, last = columns.offsets[number], columns.offsets[number + 1]
    out, data, logged = address_of(text), address_of(columns.data), columns.logged[number]
    at = _put_page(
        out,
        at,
        data,
        shown_ms=columns.event_ms[number],
        exposures=last - first,
        later=_LATER | HAS_GROUPS if groups else _LATER,
        event_id=span_in(columns.event_id, number),
    )
    for field in range(LOGGED_COUNT):
        at = put_text(out, at, data, logged[field, 0], logged[field, 1])
    for exposure in range(first, last):
        at = _put_exposure(
            out,
            at,
            data,
            row=columns.row[exposure],
            slot=columns.slot[exposure],
            shelf_id=span_in(columns.shelf_id, exposure),
            card_id=span_in(columns.card_id, exposure),
            propensity=span_in(columns.propensity, exposure),
        )
        for field in range(ORDER_COUNT):
            at = put_text(out, at, data, columns.order[exposure, field, 0], columns.order[exposure, field, 1])
    if groups:
        for _ in range(groups):
            at = put_int(out, at, 0, WEIGHT_BYTES)
        at = _put_group_end(out, at, generation=0, groups=groups)
    return Offset(at)


@borrowing
def logged_count(text: IntArray, page: Offset) -> int:
    """Number of the texts that were logged with a page."""
    return LOGGED_MIN + (later_of(text, page) & LATER_LOGGED_MASK)


@borrowing
def order_count(text: IntArray, page: Offset) -> int:
    """Number of values `ORDER` of each of its exposures."""
    return (later_of(text, page) >> ORDER_SHIFT) & ORDER_MASK


@fused
def has_groups(text: IntArray, page: Offset) -> bool:
    """Whether a page ends with a soft group."""
    return later_of(text, page) & HAS_GROUPS != 0


@borrowing
def variant_at(text: IntArray, page: Offset) -> Offset:
    """Offset of the variant, which follows the surface."""
    return text_end(text, logged_at(text, page))


@borrowing
def exposures_at(text: IntArray, page: Offset) -> Offset:
    """Offset of the exposures."""
    at = logged_at(text, page)
    for _ in range(logged_count(text, page)):
        at = text_end(text, at)
    return Offset(at)


def logged_page(text: bytes) -> LoggedPage:
    r"""What was logged with a page, from its texts; fields that an older page lacks get the schema's defaults.

    >>> logged_page(b"\x03\0top\x01\0b").variant
    'b'
    """
    parts, at = [], 0
    while at < len(text):
        start = at + LENGTH_BYTES
        end = start + int.from_bytes(text[at:start], "little")
        parts.append(name_of(text[start:end]))
        at = end
    return LoggedPage(*parts)


@borrowing
def exposure_end(text: IntArray, exposure: Offset, later: Index) -> Offset:
    """Offset after an exposure with this number of values `ORDER`."""
    at = order_at(text, exposure)
    for _ in range(later):
        at = text_end(text, at)
    return Offset(at)


@borrowing
def exposure_at(text: IntArray, page: Offset, index: Place) -> Offset:
    """Offset of exposure `index`."""
    at, later = exposures_at(text, page), order_count(text, page)
    for _ in range(index):
        at = exposure_end(text, at, later)
    return Offset(at)
