"""What a record of each kind holds, in the arrays of a book."""

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
NONE = -1
HASH_AHEAD = 8
"""So many bytes after a text may be read, and after what is written overwritten: both go by words."""
ROW_BYTES_MIN, PLAYED_BYTES = 5 * 8 + 4 + 4, 2 + 4 + 8 + 4 + 2
"""Of a listener's row, and of what is told there of one exposure: without their texts."""
PLAYS_ROOM_MIN = 4
"""Room for so many plays a listener has at least, once there is one."""
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
        ("row_bytes", np.int64),  # of its row of state
        ("plays", np.int64),  # place of its first play: see `plays`
        ("plays_count", np.int32),
        ("plays_room", np.int32),
        ("impression", np.int32),  # the one that came last
        ("earlier", np.int32),  # who was touched before
        ("later", np.int32),
        ("next", np.int32),  # of the free places
        ("is_changed", np.bool_),
        ("awaits_page", np.bool_),
        ("has_row", np.bool_),
    ],
    align=True,
)
IMPRESSION = np.dtype(
    [
        *_SPAN,  # of the whole record: see `page`
        ("hash", np.uint64),
        ("shown_ms", np.int64),
        ("exposures", np.int32),  # place of the first
        ("count", np.int32),
        ("streamed", np.int32),  # exposures that have been streamed
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
        ("credit", np.int64),  # where in the text what it has earned stands, see `credits`; -1: nothing was credited
        ("streams", np.int32),
        ("card", np.int32),
    ],
    align=True,
)
STREAM = np.dtype(
    [
        *_SPAN,  # of the whole record: see `stream_text`
        ("hash", np.uint64),
        ("card", np.int32),
        ("listener", np.int32),
        ("next", np.int32),  # of the free places
        ("serial", np.int32),
        ("is_pending", np.bool_),
    ],
    align=True,
)
PLAY_KEPT = np.dtype(
    [
        ("event_ms", np.int64),
        ("played_ms", np.int64),
        ("start", np.int64),  # of its stream, again: rows are written without a look at the stream
        ("card", np.int32),
        ("stream", np.int32),
    ],
    align=True,
)
APPOINTMENT = np.dtype(
    [("event_ms", np.int64), ("tie", np.uint64), ("place", np.int32), ("serial", np.int32)], align=True
)
NAME = np.dtype([*_SPAN, ("hash", np.uint64)], align=True)
GONE = np.dtype([("start", np.int64), ("end", np.int64), ("page", np.int64)], align=True)
"""Rows to be deleted: of a listener (page -1), or of one of its impressions."""
TOTALS = np.dtype(
    [
        ("watermark_ms", np.int64),
        ("settled_until_ms", np.int64),  # all that was shown by then had settled when the state was taken up
        ("touches", np.int64),
        ("exposures_open", np.int64),
        ("text_used", np.int64),
        ("text_dead", np.int64),
        ("exposures_used", np.int64),
        ("exposures_dead", np.int64),
        ("plays_used", np.int64),
        ("plays_dead", np.int64),
        ("plays_most", np.int64),  # no listener has room for more
        ("listeners", np.int64),  # how many there are
        ("impressions", np.int64),
        ("streams", np.int64),
        ("listeners_top", np.int64),  # places from here on have never been used
        ("impressions_top", np.int64),
        ("streams_top", np.int64),
        ("listeners_free", np.int32),  # the first place that is free again
        ("impressions_free", np.int32),
        ("streams_free", np.int32),
        ("least_recent", np.int32),
        ("most_recent", np.int32),
        ("leaving", np.int32),  # who is being evicted
        ("agenda", np.int64),
        ("changed", np.int64),
        ("waiting", np.int64),
        ("opened", np.int64),
        ("gone", np.int64),
    ],
    align=True,
)
