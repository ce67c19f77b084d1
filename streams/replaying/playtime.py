"""Playing times by user and item: each row becomes a stream-end without an impression."""

from collections.abc import Iterator

from schemas.stream_ends import StreamEnd
from streams.files.durations import Durations
from streams.files.tables import REASON_CHARACTERS_MAX

PLAYED_MAX_MS = 31 * 24 * 3_600_000
SPACING_MS = 1_000


class PlaytimeReader:
    """Converts rows to stream-ends; times are invented, at most a second apart, because the log has none.

    A row is named by the content of its file and its row number: rows of another file are other streams, rows of the
    same file the same. A total beyond 31 days, the maximum of a stream, is cut to 31 days and counted.
    """

    def __init__(self, table: Durations, *, first_ms: int, last_ms: int) -> None:
        self.table = table
        self.cut_count = 0
        self._first_ms = first_ms
        rows = max(1, len(table.plays) + sum(table.refused.values()))
        self._spacing_ms = min(SPACING_MS, max(0, last_ms - first_ms) // rows)

    def stream_ends(self) -> Iterator[StreamEnd]:
        """The stream-end of each valid row; invalid ones are counted in the table's `refused`."""
        for play in self.table.plays:
            played_ms = round(play.seconds * 1_000)
            ended_ms = self._first_ms + play.row * self._spacing_ms
            cut_ms = min(played_ms, PLAYED_MAX_MS)
            try:
                stream = StreamEnd(
                    event_id=f"playtime-{self.table.digest}-{play.row}",
                    user_id=play.user,
                    card_id=play.item,
                    started_ms=ended_ms - cut_ms,
                    event_ms=ended_ms,
                    played_ms=cut_ms,
                )
            except ValueError as error:
                self.table.refused[str(error)[:REASON_CHARACTERS_MAX]] += 1
                continue
            self.cut_count += cut_ms < played_ms
            yield stream
