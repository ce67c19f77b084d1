"""Valid messages with all defaults, so that a test names only what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.catalogue import CatalogueCard
from schemas.experiments import BUCKETS, ExperimentDefinition, Overrides, Variant
from schemas.impressions import Impression, ShownShelf
from schemas.monitoring import DriftIncident
from schemas.outcomes import OutcomeSettled, OutcomesSettled
from schemas.stream_ends import StreamEnd, StreamPlaying


def shown_shelf(
    *,
    shelf_id: str = "shelf-1",
    cards: Sequence[str] = ("c1",),
    seen: Sequence[int] | None = None,
    is_order_logged: bool = False,
) -> ShownShelf:
    return ShownShelf(
        shelf_id=shelf_id,
        cards=tuple(cards),
        propensities=(1.0 / max(1, len(cards)),) * len(cards),
        seen=tuple(range(len(cards)) if seen is None else seen),
        propensity=0.5 if is_order_logged else 1.0,
        order_log_propensities=tuple(-float(slot) for slot in range(len(cards))) if is_order_logged else (),
        row_log_propensity=-0.5 if is_order_logged else None,
    )


def impression(
    *,
    event_id: str = "i1",
    user_id: str = "u1",
    event_ms: int = 0,
    cards: Sequence[str] = ("c1",),
    seen: Sequence[int] | None = None,
    variant: str = "default",
    is_order_logged: bool = False,
) -> Impression:
    return Impression(
        event_id=event_id,
        user_id=user_id,
        event_ms=event_ms,
        variant=variant,
        shelves=(shown_shelf(cards=cards, seen=seen, is_order_logged=is_order_logged),),
    )


def stream_end(
    *,
    event_id: str = "s1",
    user_id: str = "u1",
    card_id: str = "c1",
    started_ms: int = 0,
    event_ms: int = 60_000,
    played_ms: int = 60_000,
    impression_id: str | None = None,
) -> StreamEnd:
    return StreamEnd(
        event_id=event_id,
        user_id=user_id,
        card_id=card_id,
        started_ms=started_ms,
        event_ms=event_ms,
        played_ms=played_ms,
        impression_id=impression_id,
    )


def stream_playing(
    *,
    event_id: str = "p1",
    stream_id: str = "s1",
    user_id: str = "u1",
    card_id: str = "c1",
    started_ms: int = 0,
    event_ms: int = 30_000,
    played_ms: int = 30_000,
    impression_id: str | None = None,
) -> StreamPlaying:
    return StreamPlaying(
        event_id=event_id,
        stream_id=stream_id,
        user_id=user_id,
        card_id=card_id,
        started_ms=started_ms,
        event_ms=event_ms,
        played_ms=played_ms,
        impression_id=impression_id,
    )


def card(
    card_id: str = "c1",
    *,
    shelves: Sequence[str] = ("shelf-1",),
    genres: Sequence[str] = (),
    released_ms: int = 0,
) -> CatalogueCard:
    return CatalogueCard(
        card_id=card_id,
        title=card_id.title(),
        shelves=tuple(shelves),
        genres=tuple(genres),
        released_ms=released_ms,
    )


def outcome(
    *, card_id: str = "c1", user_id: str = "u1", played_ms: int = 0, weights: Sequence[float] = (), generation: int = 0
) -> OutcomeSettled:
    return OutcomeSettled(
        impression_id="i1",
        row=0,
        slot=0,
        shelf_id="shelf-1",
        user_id=user_id,
        card_id=card_id,
        shown_ms=0,
        settled_ms=1,
        played_ms=played_ms,
        stream_count=int(played_ms > 0),
        propensity=0.5,
        generation=generation,
        user_weights=tuple(weights),
    )


def by_card(outcomes: Sequence[OutcomeSettled]) -> list[OutcomesSettled]:
    """The messages that carry these outcomes."""
    found: dict[tuple[str, int], list[OutcomeSettled]] = {}
    for one in outcomes:
        found.setdefault((one.card_id, one.generation), []).append(one)
    return [OutcomesSettled.of(some) for some in found.values()]


def incident(incident_id: str, **more: Any) -> DriftIncident:
    fields = {
        "number": 1, "state": "open", "quantity": "streaming-time", "subjects": ("0.0",), "label": "", "generation": 1,
        "severity": "severe", "impact": 0.1, "traffic": 0.1, "opened_ms": 1, "change_ms": 1, "bucket_ms": 1,
        "before": 5.0, "after": 4.0, "size": -1.0, "size_low": -1.5, "size_high": -0.5,
    }  # fmt: skip
    return DriftIncident(incident_id=incident_id, **{**fields, **more})


def experiment(
    name: str = "test",
    *,
    shares: Mapping[str, float] | None = None,
    buckets: Mapping[str, Sequence[int]] | None = None,
    overrides: Mapping[str, Overrides] | None = None,
    layer: str = "ranking",
    metric: str = "stream-rate",
    **others: Any,
) -> ExperimentDefinition:
    """Variants by shares, or by their buckets; other fields of the definition by name."""
    given = buckets or {}
    by_share: dict[str, float] = {**(shares or {}), **{key: len(own) / BUCKETS for key, own in given.items()}}
    variants = tuple(
        Variant(
            name=key,
            share=share,
            buckets=tuple(given.get(key, ())),
            overrides=(overrides or {}).get(key, Overrides()),
        )
        for key, share in by_share.items()
    )
    return ExperimentDefinition(name=name, layer=layer, variants=variants, metric=metric, **others)
