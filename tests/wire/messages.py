"""Strategies for messages with names of all kinds, and records that carry them."""

from hypothesis import strategies as st

from schemas.fields import DURATION_MS_MAX, EVENT_MS_MAX
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd

NAMES = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20),
    st.text(min_size=1, max_size=6),
    st.text('"\\/\x00\x08\x1f\x7féß語😀\u2028', min_size=1, max_size=6),
)
CONTEXTS = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3)
PROPENSITIES = st.one_of(
    st.floats(0.0, 1.0, exclude_min=True), st.integers(1, 1_000_000).map(lambda parts: parts / 1_000_000), st.just(1.0)
)
TIMES = st.one_of(st.integers(0, 10), st.integers(0, EVENT_MS_MAX))


@st.composite
def shelves(draw: st.DrawFn) -> ShownShelf:
    cards = draw(st.lists(NAMES, max_size=40, unique=True))
    slots = len(cards)
    seen = sorted(draw(st.sets(st.integers(0, slots - 1)))) if slots else []
    return ShownShelf(
        shelf_id=draw(NAMES),
        cards=tuple(cards),
        propensities=tuple(draw(st.lists(PROPENSITIES, min_size=slots, max_size=slots))),
        seen=tuple(seen),
        propensity=draw(PROPENSITIES),
    )


@st.composite
def impressions(draw: st.DrawFn) -> Impression:
    return Impression(
        event_id=draw(NAMES),
        user_id=draw(NAMES),
        event_ms=draw(TIMES),
        shelves=tuple(draw(st.lists(shelves(), max_size=4))),
        surface=draw(NAMES),
        variant=draw(NAMES),
        policy_version=draw(NAMES),
        reward_version=draw(NAMES),
        model_version=draw(NAMES),
        ranking_number=draw(st.none() | st.integers(0, 2**64 - 1)),
        context=draw(CONTEXTS),
    )


@st.composite
def stream_ends(draw: st.DrawFn) -> StreamEnd:
    started_ms, event_ms = sorted((draw(TIMES), draw(TIMES)))
    return StreamEnd(
        event_id=draw(NAMES),
        user_id=draw(NAMES),
        card_id=draw(NAMES),
        started_ms=started_ms,
        event_ms=event_ms,
        played_ms=draw(st.integers(0, DURATION_MS_MAX)),
        impression_id=draw(st.none() | NAMES),
        surface=draw(NAMES),
        context=draw(CONTEXTS),
    )
