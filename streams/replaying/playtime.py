"""Playing time by user and item: each row a stream-end without impression."""

from schemas.stream_ends import StreamEnd
from streams.replaying.rows import Row

MS_OF = {"hours": 3_600_000, "seconds": 1_000, "ms": 1}
PLAYED_MAX_MS = 31 * 24 * 3_600_000
SPACING_MS = 1_000


class PlaytimeReader:
    """Reads rows of user, item, duration, by position; times are made up, a second apart, for the log has none.

    A total beyond 31 days is cut to 31 days, and counted: it is many streams in one row, and one stream cannot be
    longer.
    """

    def __init__(self, columns: tuple[str, str, str], unit: str, base_ms: int) -> None:
        self.columns = columns
        self.cut_count = 0
        self._ms = MS_OF[unit]
        self._base_ms = base_ms

    def stream_end(self, number: int, row: Row) -> StreamEnd:
        """The stream-end of one row; raises `ValueError` where the row has no duration that could be."""
        user, item, duration = (row[name] for name in self.columns)
        if not user or not item:
            raise ValueError("no user or no item")
        played = float(duration)
        if not 0.0 <= played < float("inf"):
            raise ValueError("the duration is negative or no number")
        played_ms = round(played * self._ms)
        self.cut_count += played_ms > PLAYED_MAX_MS
        played_ms = min(played_ms, PLAYED_MAX_MS)
        ended_ms = self._base_ms + number * SPACING_MS
        return StreamEnd(
            event_id=f"playtime-{number}",
            user_id=user,
            card_id=item,
            started_ms=ended_ms - played_ms,
            event_ms=ended_ms,
            played_ms=played_ms,
        )
