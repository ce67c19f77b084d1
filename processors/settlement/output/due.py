"""The output of settlement: exposures that are due and streams that have been attributed, in event-time order."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processors.arrays import IntArray
from processors.compiled import by_reference
from processors.settlement.book.layout import Records

DUE_PAGE = np.dtype(
    [
        ("user", np.int64),  # span of the book's text
        ("user_end", np.int64),
        ("page", np.int64),  # span of its record in the book's text
        ("page_end", np.int64),
        ("shown_ms", np.int64),
        ("settled_ms", np.int64),
        ("exposures", np.int64),  # index of its first exposure among those due
        ("count", np.int64),
        ("kept", np.int64),  # place of its first exposure in the book, valid until rows are written
        ("impression", np.int32),  # its place and serial in the book
        ("serial", np.int32),
        ("shown_plays", np.int32),  # how many of its plays had ended when it was shown
        ("is_grouped", np.bool_),  # whether its soft group is known: see `page_groups`
    ],
    align=True,
)
DUE_EXPOSURE = np.dtype(
    [("played_ms", np.int64), ("streams", np.int32), ("card", np.int32), ("is_discovery", np.bool_)], align=True
)
DUE_STREAM = np.dtype(
    [
        ("user", np.int64),
        ("user_end", np.int64),
        ("start", np.int64),  # span of its id
        ("end", np.int64),
        ("event_ms", np.int64),
        ("played_ms", np.int64),
        ("page", np.int64),  # start of the page of the attributed impression; -1 if there is none
        ("page_end", np.int64),
        ("kept", np.int64),  # place of its exposure, as for a page
        ("impression", np.int32),
        ("serial", np.int32),
        ("previous_ms", np.int64),  # for a correction: played time of its exposure before and after
        ("total_ms", np.int64),
        ("stream_count", np.int64),
        ("exposure", np.int32),  # its index on the page
        ("card", np.int32),
        ("is_correction", np.bool_),
        ("is_playing", np.bool_),  # has not ended: no interaction
    ],
    align=True,
)
PLAY = np.dtype([("played_ms", np.int64), ("card", np.int32)], align=True)


@by_reference
class Due(NamedTuple):
    """Everything that has become due, with the plays of the listener at that time.

    Plays of page i are `page_plays[page_offsets[i]:page_offsets[i + 1]]`, oldest first; likewise for streams.
    """

    counts: IntArray  # [3]: pages, exposures, streams
    pages: Records
    exposures: Records
    streams: Records
    page_offsets: IntArray
    page_plays: Records
    stream_offsets: IntArray
    stream_plays: Records

    def trimmed(self) -> "Due":
        """Views without the unused capacity."""
        pages, exposures, streams = self.counts.tolist()
        return Due(
            counts=self.counts,
            pages=self.pages[:pages],
            exposures=self.exposures[:exposures],
            streams=self.streams[:streams],
            page_offsets=self.page_offsets[: pages + 1],
            page_plays=self.page_plays[: int(self.page_offsets[pages])],
            stream_offsets=self.stream_offsets[: streams + 1],
            stream_plays=self.stream_plays[: int(self.stream_offsets[streams])],
        )

    def larger(self) -> "Due":
        """A copy with twice the capacity."""
        return Due(
            self.counts, *(_doubled(column, used) for column, used in zip(self[1:], self.trimmed()[1:], strict=True))
        )


def _doubled(column: NDArray[Any], used: NDArray[Any]) -> NDArray[Any]:
    larger = np.zeros(2 * len(column), dtype=column.dtype)
    larger[: len(used)] = used
    return larger


def nothing_due(room: int, plays_max: int) -> Due:
    """Empty, with capacity for `room` pages and streams."""
    return Due(
        counts=np.zeros(3, dtype=np.int64),
        pages=np.zeros(room, dtype=DUE_PAGE),
        exposures=np.zeros(16 * room, dtype=DUE_EXPOSURE),
        streams=np.zeros(room, dtype=DUE_STREAM),
        page_offsets=np.zeros(room + 1, dtype=np.int64),
        page_plays=np.zeros((room + 1) * plays_max, dtype=PLAY),
        stream_offsets=np.zeros(room + 1, dtype=np.int64),
        stream_plays=np.zeros((room + 1) * plays_max, dtype=PLAY),
    )
