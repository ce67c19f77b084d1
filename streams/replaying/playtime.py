"""Playing time by user and item: each row a stream-end without impression."""

from collections.abc import Iterator

from schemas.stream_ends import StreamEnd
from streams.files.durations import Durations
from streams.files.tables import REASON_CHARACTERS_MAX

PLAYED_MAX_MS = 31 * 24 * 3_600_000
SPACING_MS = 1_000


class PlaytimeReader:
    """Makes stream-ends of rows; times are made up, at most a second apart, for the log has none.

    A row's name is made of the content of its file and its place there: another file's rows are other streams, and
    those of the same file, read again, are the same. A total beyond 31 days is cut to 31 days, and counted: it is many
    streams in one row, and one stream cannot be longer.
    """

    def __init__(self, table: Durations, *, first_ms: int, last_ms: int) -> None:
        self.table = table
        self.cut_count = 0
        self._first_ms = first_ms
        rows = max(1, len(table.plays) + sum(table.refused.values()))
        self._spacing_ms = min(SPACING_MS, max(0, last_ms - first_ms) // rows)

    def stream_ends(self) -> Iterator[StreamEnd]:
        """The stream-end of each good row; what no message can say is counted in the table's `refused`."""
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
