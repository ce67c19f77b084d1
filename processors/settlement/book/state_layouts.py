"""Layouts of what is kept as bytes, in the text of the book and in state rows: each is declared here, and only here.

| bytes             | content                                                                              |
|-------------------|--------------------------------------------------------------------------------------|
| impression        | `PAGE`; the texts of `LoggedPage` in order; each exposure; a soft group if it has one  |
| exposure of it    | `EXPOSURE`; the values `ORDER` as texts, empty for null                              |
| soft group        | weights of `WEIGHT_BYTES`; `GROUP_END`, read from the end of the impression          |
| stream            | `STREAM`                                                                             |
| credit            | `CREDIT`, a text whose length is its first number; shares of `SHARE_BYTES`           |
| row of a listener | `LISTENER`; each streamed exposure as `CREDITED`; `STREAM_COUNT`; streams, newest first |

The row of an impression is the impression. Rows of earlier versions remain readable: an impression counts its texts in
`later`, so that new fields of `LoggedPage` and `ORDER` are appended; a listener's row without `HAS_CREDITS` has
`STREAMED` entries.
"""

from processors.wire.impressions import LOGGED, ORDER
from processors.wire.layouts import Layout, When, text, u8, u16, u24, u32, u64

PAGE = Layout("page", u64("shown_ms"), u24("exposures"), u8("later"), text("event_id"))
LOGGED_COUNT, LOGGED_MIN = len(LOGGED), 5
ORDER_COUNT, ORDER_SHIFT, ORDER_MASK = len(ORDER), 5, 3
LATER_LOGGED_MASK, HAS_GROUPS = (1 << ORDER_SHIFT) - 1, 0x80
"""`later` of a page: logged texts beyond `LOGGED_MIN`, number of values `ORDER`, whether a soft group follows."""

EXPOSURE = Layout("exposure", u32("row"), u32("slot"), text("shelf_id"), text("card_id"), text("propensity"))

WEIGHT_BYTES = 4
GROUP_END = Layout("group_end", u64("generation"), u8("groups"))

ATTRIBUTED, PENDING, PENDING_NAMED, ORGANIC = 0, 1, 2, 3
STATE_MASK, PLAYING = 3, 4
"""State of a stream: attributed; pending, with or without the impression that it names; or of no exposure. With
`PLAYING` the record is of a stream that had not ended at its end time."""
STREAM = Layout(
    "stream",
    u64("event_ms"),
    u64("started_ms"),
    u64("played_ms"),
    text("event_id"),
    text("card_id"),
    u8("state"),
    text("stream_id", When("state", PLAYING, PLAYING)),
    text("impression_id", When("state", STATE_MASK, PENDING_NAMED)),
)

SHARE_BYTES = 2
CREDIT = Layout("credit", u16("length"), u32("key"))

LISTENER = Layout(
    "listener",
    u64("touch"),
    u64("event_count"),
    u64("newest_ms"),
    u64("impressions_end"),  # offsets plus one, so that none is 0
    u64("stream_ends_end"),
    u32("streamed"),
)
HAS_CREDITS = 1 << 31
"""Flag in the number of streamed exposures: their entries have credits."""
STREAMED = Layout("streamed", text("impression_id"), u32("exposure"), u64("played_ms"), u32("streams"))
CREDITED = STREAMED.and_then("credited", text("credit"))
STREAM_COUNT = Layout("stream_count", u32("streams"))
