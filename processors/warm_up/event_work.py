"""Warm-up work: reads events and passes them to the settlement."""

from processors.experiments.settled_listeners import SettledListeners
from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.wire.impressions import impressions_of
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd


def a_settlement() -> Settlement:
    """A settlement that settles at once."""
    return Settlement(SettlementSettings(lateness_ms=0))


def an_impression(event_ms: int) -> Impression:
    """A page of one card."""
    shelf = ShownShelf(shelf_id="s", cards=("c",), propensities=(1.0,), seen=(0,))
    return Impression(event_id=f"i{event_ms}", user_id="u", event_ms=event_ms, shelves=(shelf,))


def a_stream_end(event_ms: int) -> StreamEnd:
    """A stream of that card."""
    return StreamEnd(event_id=f"s{event_ms}", user_id="u", card_id="c", started_ms=0, event_ms=event_ms, played_ms=0)


def take_impressions() -> None:
    """Read and process an impression, and look up its listener as experiments do."""
    a_settlement().arrive_impressions([(0, an_impression(0))])
    settled, columns = SettledListeners(), impressions_of([an_impression(0)])
    settled.put([b"u"], [b""], [0])
    settled.find(columns.data, columns.user_id)


def take_stream_ends() -> None:
    """Read and process a stream-end."""
    a_settlement().arrive_streams([(0, a_stream_end(0))])
