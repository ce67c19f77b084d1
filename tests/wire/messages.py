"""Strategies for messages with names of all kinds, and records that carry them."""

from functools import partial

import msgspec
from hypothesis import strategies as st

from schemas.fields import DURATION_MS_MAX, EVENT_MS_MAX
from schemas.impressions import Impression, ShownShelf
from schemas.interactions import Interaction, Interactions
from schemas.outcomes import ORDER_COLUMNS, LoggedPage, Outcome, OutcomeCorrected, OutcomeSettled, OutcomesSettled
from schemas.stream_ends import StreamEnd, StreamEvent, StreamPlaying

NAMES = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20),
    st.text(min_size=1, max_size=6),
    st.text('"\\/\x00\x08\x1f\x7féß語😀\u2028', min_size=1, max_size=6),
)
CONTEXTS = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3)
PROPENSITIES = st.one_of(
    st.floats(0.0, 1.0, exclude_min=True), st.integers(1, 1_000_000).map(lambda parts: parts / 1_000_000), st.just(1.0)
)
LOGS = st.one_of(st.floats(-1e4, 0.0), st.just(0.0), st.integers(-60_000_000, 0).map(lambda parts: parts / 1_000_000))
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
        order_log_propensities=tuple(
            draw(st.sampled_from([0, slots]).flatmap(lambda n: st.lists(LOGS, min_size=n, max_size=n)))
        ),
        row_log_propensity=draw(st.none() | LOGS),
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
def stream_ends(draw: st.DrawFn) -> StreamEvent:
    started_ms, event_ms = sorted((draw(TIMES), draw(TIMES)))
    kind = draw(st.sampled_from([StreamEnd, StreamEnd, partial(StreamPlaying, stream_id=draw(NAMES))]))
    return kind(
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


@st.composite
def interactions(draw: st.DrawFn) -> Interactions:
    one = st.builds(
        Interaction,
        event_id=NAMES,
        user_id=NAMES,
        card_id=NAMES,
        event_ms=TIMES,
        played_ms=st.integers(0, DURATION_MS_MAX),
        organic=st.booleans(),
    )
    return Interactions.of(draw(NAMES), draw(st.lists(one, max_size=5)))


REWARDS = ("", "static", "static,mean:users")
COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 2**61))


@st.composite
def weights(draw: st.DrawFn) -> tuple[float, ...]:
    """A soft group: rounded as ours are, or with all digits that a double has."""
    parts = draw(st.lists(st.floats(0.0, 1.0), max_size=5))
    total = sum(parts)
    if total <= 0.0:
        return ()
    decimals = draw(st.sampled_from((9, 15, 17)))
    shares = [min(1.0, round(part / total, decimals)) for part in parts]
    return tuple(shares) if abs(sum(shares) - 1.0) <= 1e-6 else ()


def earned_shares(room: int = 5) -> st.SearchStrategy[tuple[float, ...]]:
    """Credits: rounded as ours are, or with all digits that a double has."""
    rounded = st.floats(0.0, 1.0).map(lambda share: round(share, 4))
    return st.lists(st.one_of(st.sampled_from((0.0, 1.0)), rounded, st.floats(0.0, 1.0)), max_size=room).map(tuple)


@st.composite
def settled_rows(draw: st.DrawFn, card_id: str) -> OutcomeSettled:
    shown_ms, settled_ms = sorted((draw(TIMES), draw(TIMES)))
    stream_count = draw(COUNTS)
    names = st.builds(LoggedPage, NAMES, NAMES)
    return OutcomeSettled(
        impression_id=draw(NAMES),
        row=draw(COUNTS),
        slot=draw(COUNTS),
        shelf_id=draw(NAMES),
        user_id=draw(NAMES),
        card_id=card_id,
        shown_ms=shown_ms,
        settled_ms=settled_ms,
        played_ms=draw(COUNTS) if stream_count else 0,
        stream_count=stream_count,
        propensity=draw(PROPENSITIES),
        logged=draw(names),
        user_weights=draw(weights()),
        row_propensity=draw(st.none() | PROPENSITIES),
        order_log_propensity=draw(st.none() | LOGS),
        row_log_propensity=draw(st.none() | LOGS),
    )


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    card_id, generation = draw(NAMES), draw(COUNTS)
    if draw(st.booleans()):
        rows = draw(st.lists(settled_rows(card_id), min_size=1, max_size=5))
        earned = tuple(draw(st.lists(earned_shares(), max_size=4)))
        shared = {"generation": generation, "rewards": draw(st.sampled_from(REWARDS)), "credits": earned}
        shared |= {name: () for name in ORDER_COLUMNS if draw(st.booleans())}
        return msgspec.structs.replace(OutcomesSettled.of(rows), **shared)
    previous_ms, played_ms = sorted((draw(COUNTS), draw(COUNTS)))
    return OutcomeCorrected(
        impression_id=draw(NAMES),
        row=draw(COUNTS),
        slot=draw(COUNTS),
        user_id=draw(NAMES),
        card_id=card_id,
        stream_event_id=draw(NAMES),
        shown_ms=draw(TIMES),
        corrected_ms=draw(TIMES),
        previous_ms=previous_ms,
        played_ms=played_ms,
        stream_count=draw(COUNTS) + 1,
        variant=draw(NAMES),
        propensity=draw(st.none() | PROPENSITIES),
        row_propensity=draw(st.none() | PROPENSITIES),
        generation=generation,
        user_weights=draw(weights()),
        rewards=draw(st.sampled_from(REWARDS)),
        credits=draw(earned_shares()),
        previous_credits=draw(earned_shares()),
        assignments=draw(st.sampled_from(["", "home/a", "home/a top/b"])),
    )
