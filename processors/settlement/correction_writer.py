"""Corrections as records of their own, from columns straight to bytes, compiled."""

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing
from processors.settlement.book import Book
from processors.settlement.due import Due
from processors.settlement.layout import HASH_AHEAD
from processors.settlement.page import ID_AT, SLOT_AT, exposure_at, shown_ms_of, variant_at
from processors.wire.binary import get_int, text_end
from processors.wire.json_writer import NUMBER_BYTES, cut, marks, put_mark, put_numbers, put_string, put_whole

_WEIGHT_BYTES = 10
_NUMBERS = 8

(
    _TYPE, _ROW, _SLOT, _USER_ID, _CARD_ID, _STREAM_EVENT_ID, _SHOWN_MS, _CORRECTED_MS, _PREVIOUS_MS, _PLAYED_MS,
    _STREAM_COUNT, _VARIANT, _GENERATION, _USER_WEIGHTS, _END,
) = _MARKS = marks(
    b'{"type":"outcome-corrected.v1","impression_id":', b',"row":', b',"slot":', b',"user_id":', b',"card_id":',
    b',"stream_event_id":', b',"shown_ms":', b',"corrected_ms":', b',"previous_ms":', b',"played_ms":',
    b',"stream_count":', b',"variant":', b',"generation":', b',"user_weights":[', b"]}",
)  # fmt: skip
_RECORD_BYTES = sum(map(len, _MARKS)) + NUMBER_BYTES * (_NUMBERS + 1) + 2 * 5


def correction_records(book: Book, due: Due, chosen: IntArray, weights: FloatArray, generation: int) -> list[bytes]:
    """A record for each of the chosen due streams, in order; `weights` [s, G] are the soft groups of all due streams'.

    Every chosen stream has a page: it is a correction.
    """
    room = bytes_of_corrections(book, due, chosen) + len(chosen) * (_RECORD_BYTES + _WEIGHT_BYTES * weights.shape[1])
    data, ends = np.empty(room + HASH_AHEAD, dtype=np.uint8), np.zeros(len(chosen), dtype=np.int64)
    write_corrections(book, due, chosen, weights, generation, data, ends)
    return cut(data, ends)


@borrowing
def bytes_of_corrections(book: Book, due: Due, chosen: IntArray) -> int:
    """Room that the texts of these take together."""
    size = 0
    for place in chosen:
        stream = due.streams[place]
        card, page = book.cards.rows[stream["card"]], stream["page"]
        size += stream["user_end"] - stream["user"] + stream["end"] - stream["start"] + card["end"] - card["start"]
        variant = variant_at(book.text, page)
        size += text_end(book.text, page + ID_AT) - page + text_end(book.text, variant) - variant
    return int(size)


@borrowing
def write_corrections(
    book: Book, due: Due, chosen: IntArray, weights: FloatArray, generation: Index, out: IntArray, ends: IntArray
) -> None:
    """Write one record for each of the chosen; `ends` say where each ends."""
    at: Index = np.int64(0)
    for number in range(len(chosen)):
        at = _put_correction(book, due, chosen[number], out, at)
        at = put_whole(out, put_mark(out, at, _GENERATION), generation)
        soft = weights[chosen[number]]
        at = put_numbers(out, put_mark(out, at, _USER_WEIGHTS), soft, len(soft), 6)
        at = put_mark(out, at, _END)
        ends[number] = at


@borrowing
def _put_correction(book: Book, due: Due, place: Index, out: IntArray, at: Index) -> int:
    stream, text = due.streams[place], book.text
    page, card = stream["page"], book.cards.rows[stream["card"]]
    exposure, variant = exposure_at(text, page, stream["exposure"]), variant_at(text, page)
    at = put_string(out, put_mark(out, at, _TYPE), text, page + ID_AT + 2, text_end(text, page + ID_AT))
    at = put_whole(out, put_mark(out, at, _ROW), get_int(text, exposure, 4))
    at = put_whole(out, put_mark(out, at, _SLOT), get_int(text, exposure + SLOT_AT, 4))
    at = put_string(out, put_mark(out, at, _USER_ID), text, stream["user"], stream["user_end"])
    at = put_string(out, put_mark(out, at, _CARD_ID), book.cards.text, card["start"], card["end"])
    at = put_string(out, put_mark(out, at, _STREAM_EVENT_ID), text, stream["start"], stream["end"])
    at = put_whole(out, put_mark(out, at, _SHOWN_MS), shown_ms_of(text, page))
    at = put_whole(out, put_mark(out, at, _CORRECTED_MS), stream["event_ms"])
    at = put_whole(out, put_mark(out, at, _PREVIOUS_MS), stream["previous_ms"])
    at = put_whole(out, put_mark(out, at, _PLAYED_MS), stream["total_ms"])
    at = put_whole(out, put_mark(out, at, _STREAM_COUNT), stream["stream_count"])
    return put_string(out, put_mark(out, at, _VARIANT), text, variant + 2, text_end(text, variant))
