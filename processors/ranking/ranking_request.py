"""What is asked of the page maker."""

from collections.abc import Sequence

from msgspec import Struct

from processors.ranking.play_columns import Play


class RankingRequest(Struct, frozen=True, kw_only=True):
    """A listener whose page is due: the newest plays, and which of its rankings this is.

    Whoever has the plays of all requests in columns hands those to the page maker, and leaves them out here.
    """

    user_id: str
    ranking_number: int
    event_ms: int
    plays: Sequence[Play] = ()
    sources: dict[str, int]
