"""The input of the page maker."""

from collections.abc import Sequence

from msgspec import Struct

from processors.ranking.play_columns import Play


class RankingRequest(Struct, frozen=True, kw_only=True):
    """A listener whose page is due: the newest plays, and the number of the ranking.

    If the plays of all requests are in columns, pass these to the page maker, and omit them here.
    """

    user_id: str
    ranking_number: int
    event_ms: int
    plays: Sequence[Play] = ()
    sources: dict[str, int]
