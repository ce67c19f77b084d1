"""Experiments as they are defined, and what a draft would make of one: who would see what, and what room is left."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import asdict

from processors.experiments.layer_admission import buckets_claimed
from schemas.experiments import BUCKETS, ExperimentDefinition, Variant
from streams.console.console_state import ConsoleState
from streams.console.experimenting import Draft
from streams.experiment_plans import state_at
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of

FREE = "nobody"


class ShownDefinition(Struct, frozen=True, kw_only=True):
    """One definition in words."""

    name: str
    state: str
    purpose: str
    hypothesis: str
    revision: int
    effective_ms: int
    variants: Table


class ShownPlan(Struct, frozen=True, kw_only=True):
    """What applying a draft would do."""

    said: str
    is_changed: bool
    effective_ms: int
    revision: int
    variants: Table
    layer: Figure


def definitions(state: ConsoleState, now_ms: int) -> list[ShownDefinition]:
    """All experiments that are defined, by layer and name."""
    return [_shown(one, now_ms) for one in sorted(state.definitions.values(), key=lambda one: (one.layer, one.name))]


def _shown(one: ExperimentDefinition, now_ms: int) -> ShownDefinition:
    guarded = ", ".join(f"{it.metric} (at most {it.loss_max:.1%} less)" for it in one.guardrails) or "nothing"
    return ShownDefinition(
        name=one.name,
        state=state_at(one, now_ms),
        purpose=f"layer {one.layer}, on {', '.join(one.surfaces)}; improves {one.metric}, guards {guarded}",
        hypothesis=one.hypothesis,
        revision=one.revision,
        effective_ms=one.effective_ms,
        variants=_variants(one, None),
    )


def shown_plan(draft: Draft) -> ShownPlan | None:
    """The preview of a draft; None as long as it has not been checked."""
    plan = draft.plan
    if plan is None:
        return None
    return ShownPlan(
        said=f"{plan.made.name} {plan.said}",
        is_changed=plan.is_changed,
        effective_ms=plan.made.effective_ms,
        revision=plan.made.revision,
        variants=_variants(plan.made, plan.before),
        layer=_layer(plan.made, draft.known),
    )


def _variants(made: ExperimentDefinition, before: ExperimentDefinition | None) -> Table:
    shares = {one.name: one.share for one in before.variants} if before is not None else {}
    columns = ("variant", "share of the listeners", "ranks with")
    return Table(
        caption=f"Variants of {made.name}; the first is the control",
        columns=(*columns, "share before") if before is not None else columns,
        rows=tuple(
            (one.name, words.share(one.share), _ranks_with(one),
             *((words.share(shares.get(one.name)),) if before is not None else ()))
            for one in made.variants
        ),
        numeric=False,
    )  # fmt: skip


def _ranks_with(variant: Variant) -> str:
    changed = {key: value for key, value in asdict(variant.overrides).items() if value is not None}
    return ", ".join(f"{key} {value}" for key, value in changed.items()) or "the settings"


def _layer(made: ExperimentDefinition, known: Mapping[str, ExperimentDefinition]) -> Figure:
    """Who the listeners of the layer belong to, once this is in force."""
    parts = dict(_parts(made, known))
    taken = {name: share for name, share in parts.items() if name != FREE}
    data: list[Spec] = [{"of": name, "share": share, "text": words.share(share)} for name, share in taken.items()]
    free = words.share(parts[FREE])
    return Figure(
        name="layer",
        title=f"Listeners of the layer {made.layer}, once this is in force",
        summary=f"{'; '.join(f'{name} {words.share(share)}' for name, share in parts.items())}.",
        note=f"{free} are in no experiment of the layer.",
        spec=spec_of(
            data,
            110,
            mark={"type": "bar", "height": 36, "stroke": "#888", "strokeWidth": 1},
            encoding={
                "x": {"field": "share", "type": "quantitative", "stack": "zero", "title": "share of all listeners",
                      "axis": {"format": ".0%"}, "scale": {"domain": [0, 1]}},
                "color": {"field": "of", "type": "nominal", "sort": None, "scale": {"domain": list(taken)},
                          "legend": {"title": None, "orient": "top", "columns": 3, "labelLimit": 300}},
                "order": {"field": "place", "type": "quantitative"},
                "tooltip": [{"field": "of"}, {"field": "text", "title": "share"}],
            },
            transform=[{"window": [{"op": "row_number", "as": "place"}]}],
        ),
        height_px=110,
        table=Table(
            caption=f"Share of the listeners by experiment of the layer {made.layer}",
            columns=("experiment and variant", "share"),
            rows=tuple((name, words.share(share)) for name, share in parts.items()),
        ),
    )  # fmt: skip


def _parts(made: ExperimentDefinition, known: Mapping[str, ExperimentDefinition]) -> Iterator[tuple[str, float]]:
    left = BUCKETS
    own = buckets_claimed(made, made.effective_ms)
    for variant in made.variants:
        count = len(own.intersection(variant.buckets))
        left -= count
        yield f"{made.name}/{variant.name}", count / BUCKETS
    for name, other in sorted(known.items()):
        if name != made.name and other.layer == made.layer:
            claimed = len(buckets_claimed(other, made.effective_ms))
            left -= claimed
            if claimed:
                yield name, claimed / BUCKETS
    yield FREE, left / BUCKETS
