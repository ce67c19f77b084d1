"""Record types of the arrays of a book."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from processors.arrays import Offset, Place

Records = NDArray[np.void]
NONE = cast("Place", -1)
NO_TEXT = cast("Offset", -1)
"""What stands for no record, and for no text."""
HASH_AHEAD = 8
"""Bytes after a text that may be read, and that may be overwritten when it is written: both work in words."""
PLAYS_ROOM_MIN = 4
"""Initial capacity of a listener's play list."""
_SPAN = (("start", np.int64), ("end", np.int64))
LISTENER = np.dtype(
    [
        *_SPAN,
        ("hash", np.uint64),
        ("touch", np.int64),
        ("event_count", np.int64),
        ("newest_ms", np.int64),
        ("impressions_offset", np.int64),
        ("stream_ends_offset", np.int64),
        ("row_bytes", np.int64),  # size of its state row
        ("plays", np.int64),  # place of its first play, see `plays`
        ("plays_count", np.int32),
        ("plays_room", np.int32),
        ("playing_count", np.int32),  # of its plays, records of streams that had not ended
        ("impression", np.int32),  # the newest to arrive
        ("earlier", np.int32),  # neighbours in the list by recency
        ("later", np.int32),
        ("next", np.int32),  # in the free list
        ("is_changed", np.bool_),
        ("awaits_page", np.bool_),
        ("has_row", np.bool_),
    ],
    align=True,
)
IMPRESSION = np.dtype(
    [
        *_SPAN,  # span of its page in the text, see `page`
        ("hash", np.uint64),
        ("shown_ms", np.int64),
        ("exposures", np.int32),  # place of the first
        ("count", np.int32),
        ("streamed", np.int32),  # exposures with a stream
        ("listener", np.int32),
        ("next", np.int32),
        ("previous", np.int32),
        ("serial", np.int32),
        ("is_settled", np.bool_),
        ("has_row", np.bool_),
        ("is_grouped", np.bool_),  # whether its soft group is that of all plays known by now: see `page_groups`
    ],
    align=True,
)
EXPOSURE = np.dtype(
    [
        ("played_ms", np.int64),
        ("credit", np.int64),  # start of its credit in the text, see `credits`; -1 if there is none
        ("streams", np.int32),
        ("card", np.int32),
    ],
    align=True,
)
STREAM = np.dtype(
    [
        *_SPAN,  # span of its record in the text, see `stream_text`
        ("hash", np.uint64),
        ("card", np.int32),
        ("listener", np.int32),
        ("next", np.int32),  # in the free list
        ("serial", np.int32),
        ("is_pending", np.bool_),
    ],
    align=True,
)
PLAY_KEPT = np.dtype(
    [
        ("event_ms", np.int64),
        ("played_ms", np.int64),
        ("start", np.int64),  # copied from its stream, so that rows are written without reading streams
        ("card", np.int32),
        ("stream", np.int32),
        ("is_playing", np.bool_),  # of a stream that had not ended: no play
    ],
    align=True,
)
APPOINTMENT = np.dtype(
    [("event_ms", np.int64), ("tie", np.uint64), ("place", np.int32), ("serial", np.int32)], align=True
)
NAME = np.dtype([*_SPAN], align=True)
GONE = np.dtype([("start", np.int64), ("end", np.int64), ("page", np.int64)], align=True)
"""Rows to delete: of a listener (page -1), or of one of its impressions."""
TOTALS = np.dtype(
    [
        ("watermark_ms", np.int64),
        ("settled_until_ms", np.int64),  # exposures shown by then had settled when the state was restored
        ("touches", np.int64),
        ("exposures_open", np.int64),
        ("text_used", np.int64),
        ("text_dead", np.int64),
        ("exposures_used", np.int64),
        ("exposures_dead", np.int64),
        ("plays_used", np.int64),
        ("plays_dead", np.int64),
        ("plays_most", np.int64),  # largest capacity of any listener's list
        ("listeners", np.int64),  # number of records
        ("impressions", np.int64),
        ("streams", np.int64),
        ("listeners_top", np.int64),  # places from here on are unused
        ("impressions_top", np.int64),
        ("streams_top", np.int64),
        ("listeners_free", np.int32),  # heads of the free lists
        ("impressions_free", np.int32),
        ("streams_free", np.int32),
        ("least_recent", np.int32),
        ("most_recent", np.int32),
        ("leaving", np.int32),  # listener being evicted
        ("agenda", np.int64),
        ("changed", np.int64),
        ("waiting", np.int64),
        ("opened", np.int64),
        ("gone", np.int64),
    ],
    align=True,
)
