"""Listeners in four planted experiments: one helps, one does nothing, one loses listeners, one sells the KPI."""

from collections.abc import Iterator, Sequence
from math import log

import numpy as np
from msgspec import Struct

from processors.experiments.layer_admission import admitted
from schemas.catalogue import CatalogueCard
from schemas.experiments import ExperimentDefinition, Overrides, Variant
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd
from streams.subscribers.experiment_table import ExperimentTable

HELPS, NOTHING, LOSES, SELLS = "helps", "does-nothing", "loses-listeners", "sells-the-kpi"
EXPECTED: dict[str, frozenset[str]] = {
    HELPS: frozenset({"ship"}),
    NOTHING: frozenset({"continue", "stop"}),
    LOSES: frozenset({"split-broken"}),
    SELLS: frozenset({"stop"}),
}
"""The right decisions on each."""

CONTROL, TREATMENT = "a", "b"
CARDS = tuple(f"c{number}" for number in range(8))
SHELF = "all"
_PLAYED_MS, _LOOK_MS = 60_000, 5_000


class PlantedTests(Struct, frozen=True, kw_only=True):
    """How listeners behave: all rates are probabilities; `days_before` pass before the experiments begin.

    `effect` is added to the rate of streams by the treatments that help and sell; listeners of the one that sells come
    back less often by `comes_less`; of the listeners of the one that loses, `lost_share` are never logged.
    """

    listeners: int = 3_000
    days_before: int = 2
    days: int = 8
    day_ms: int = 7_200_000
    begins_ms: int = 0
    seed: int = 1
    comes: float = 0.6
    rate: float = 0.25
    taste_sd: float = 0.08
    effect: float = 0.06
    comes_less: float = 0.2
    lost_share: float = 0.35


def definitions(planted: PlantedTests) -> list[ExperimentDefinition]:
    """The experiments, each in a layer of its own, with half of the listeners in each variant.

    Only the treatment of the one that helps changes rankings; what the others do is planted in the listeners.
    """
    begins_ms = planted.begins_ms + planted.days_before * planted.day_ms
    known: dict[str, ExperimentDefinition] = {}
    for name in EXPECTED:
        overrides = Overrides(reward="static", epsilon=0.2) if name == HELPS else Overrides()
        wanted = ExperimentDefinition(
            name=name,
            layer=f"layer-{name}",
            salt=str(planted.seed),
            metric="stream-rate",
            begins_ms=begins_ms,
            listeners_min=planted.listeners // 10,
            variants=(
                Variant(name=CONTROL, share=0.5),
                Variant(name=TREATMENT, share=0.5, overrides=overrides),
            ),
        )
        known[name] = admitted(wanted, known, begins_ms)
    return list(known.values())


def catalogue() -> list[CatalogueCard]:
    """The cards, all valid in one shelf."""
    return [CatalogueCard(card_id=card, title=card, shelves=(SHELF,)) for card in CARDS]


def events(
    planted: PlantedTests, tests: Sequence[ExperimentDefinition], table: ExperimentTable
) -> list[Impression | StreamEnd]:
    """The events of all days, in order of event time; every other client reports its assignments itself."""
    rng = np.random.default_rng(np.random.SeedSequence(planted.seed, spawn_key=(0xE7,)))
    taste = np.clip(planted.rate + planted.taste_sd * rng.standard_normal(planted.listeners), 0.02, 0.9)
    treated = {one.name: _treated(planted, one, table) for one in tests}
    lost = treated[LOSES] & (rng.random(planted.listeners) < planted.lost_share)
    has_come = np.zeros(planted.listeners, dtype=np.bool_)
    found: list[Impression | StreamEnd] = []
    for day in range(planted.days_before + planted.days):
        is_on = day >= planted.days_before
        less = planted.comes_less * (treated[SELLS] & has_come)
        came = rng.random(planted.listeners) < planted.comes - (less if is_on else 0.0)
        has_come |= came & is_on
        rate = taste + (planted.effect * (treated[HELPS].astype(float) + treated[SELLS]) if is_on else 0.0)
        for user in np.flatnonzero(came & ~(lost & is_on)).tolist():
            shown_ms = planted.begins_ms + day * planted.day_ms + int(rng.integers(planted.day_ms // 2))
            found += _visit(planted, user, day, shown_ms, float(rate[user]), table, rng)
    return sorted(found, key=lambda event: event.event_ms)


def _treated(planted: PlantedTests, test: ExperimentDefinition, table: ExperimentTable) -> "np.ndarray":
    at_ms = test.begins_ms
    names = (table.variants(_user(n), event_ms=at_ms).get(test.name) for n in range(planted.listeners))
    return np.fromiter((name == TREATMENT for name in names), dtype=np.bool_, count=planted.listeners)


def _visit(
    planted: PlantedTests, user: int, day: int, shown_ms: int, rate: float, table: ExperimentTable,
    rng: np.random.Generator,
) -> Iterator[Impression | StreamEnd]:  # fmt: skip
    name, user_id = f"{planted.seed}-{day}-{user}", _user(user)
    cards, count = tuple(CARDS[card] for card in rng.permutation(len(CARDS)).tolist()), len(CARDS)
    logs = tuple(round(-sum(log(count - slot) for slot in range(upto + 1)), 6) for upto in range(count))
    shelf = ShownShelf(
        shelf_id=SHELF,
        cards=cards,
        propensities=(1.0 / count,) * count,
        seen=tuple(range(count)),
        order_log_propensities=logs,
        row_log_propensity=0.0,
    )
    reported = table.assignments(user_id, event_ms=shown_ms) if user % 2 else ""
    yield Impression(event_id=f"i-{name}", user_id=user_id, event_ms=shown_ms, shelves=(shelf,), assignments=reported)
    at_ms = shown_ms
    for slot in np.flatnonzero(rng.random(count) < rate).tolist():
        started_ms = at_ms + _LOOK_MS
        at_ms = started_ms + _PLAYED_MS
        yield StreamEnd(
            event_id=f"s-{name}-{slot}",
            user_id=user_id,
            card_id=cards[slot],
            started_ms=started_ms,
            event_ms=at_ms,
            played_ms=_PLAYED_MS,
            impression_id=f"i-{name}",
        )


def _user(number: int) -> str:
    return f"listener-{number}"
