"""The heat map of co-clusters: user groups x card groups by typical time, volume, reward rate or drift."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.drift.subjects import STREAMING_TIME
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import REWARD_NAMES, reward_named
from processors.rewards.success_shares import success_shares
from schemas.learning import CoClusters
from streams.console import words
from streams.console.console_state import ConsoleState
from streams.console.figures import Figure, Link, Spec, Table, spec_of
from streams.console.views.group_words import (
    CardGroupWords,
    UserGroupWords,
    card_groups,
    label_of,
    user_group_name,
    user_groups,
)

Shown = Literal["time", "volume", "reward", "drift"]
MEASURES: dict[Shown, str] = {
    "time": "typical streaming time",
    "volume": "streams",
    "reward": "reward rate",
    "drift": "open drift incidents",
}
DARK_FROM = 0.55
"""Place on the scale of colours from which black text is readable."""
ROW_PX = 46


class CoClustersPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of co-clusters."""

    generation: int
    version: int
    streams: float
    shown: Shown
    reward: str
    rewards: tuple[str, ...]
    figure: Figure
    user_groups: list[UserGroupWords]
    card_groups: list[CardGroupWords]


def cell_href(user_group: int, card_group: int) -> str:
    """Address of a co-cluster's page."""
    return f"/co-clusters/{user_group}/{card_group}"


def co_clusters_page(state: ConsoleState, *, shown: Shown, reward: str, seed: int) -> CoClustersPage | None:
    """The page; None until there are co-clusters."""
    model = state.co_clusters
    if model is None:
        return None
    known = known_rewards(model)
    chosen = reward if reward in known else (known[0] if known else "static")
    values, texts = measured(state, model, shown=shown, reward=chosen, seed=seed)
    return CoClustersPage(
        generation=model.generation,
        version=model.version,
        streams=float(np.sum(model.count)),
        shown=shown,
        reward=chosen,
        rewards=known,
        figure=_figure(model, shown, chosen, values, texts),
        user_groups=user_groups(model),
        card_groups=card_groups(state, model),
    )


def known_rewards(model: CoClusters) -> tuple[str, ...]:
    """Rewards whose thresholds the model publishes, in the order of the catalogue."""
    return tuple(name for name in REWARD_NAMES if name in model.thresholds_s)


def measured(
    state: ConsoleState, model: CoClusters, *, shown: Shown, reward: str, seed: int
) -> tuple[FloatArray, Callable[[float], str]]:
    """Values [G, K] of a measure, NaN where there is none, and how to write one."""
    if shown == "volume":
        return np.array(model.count), words.count
    if shown == "reward":
        times = times_of(model)
        return success_shares(times, reward_named(reward, seed).success(times)), words.share
    if shown == "drift":
        return _drifted(state, model), _change
    mean = np.where(np.array(model.count) > 0.0, np.array(model.mean), np.nan)
    return np.expm1(mean), words.seconds


def _change(value: float) -> str:
    return words.NOTHING if math.isnan(value) else words.factor(value)


def _drifted(state: ConsoleState, model: CoClusters) -> FloatArray:
    """Factors of streaming time of the co-clusters that open incidents name first, NaN elsewhere."""
    values = np.full((len(model.user_prior), len(model.card_prior)), np.nan)
    for incident in state.incidents.open():
        if incident.quantity != STREAMING_TIME or incident.generation != model.generation:
            continue
        for subject in incident.subjects[:1]:
            user, _, card = subject.partition(".")
            if user.isdigit() and card.isdigit() and int(user) < values.shape[0] and int(card) < values.shape[1]:
                values[int(user), int(card)] = math.exp(incident.size)
    return values


def _figure(model: CoClusters, shown: Shown, reward: str, values: FloatArray, text: Callable[[float], str]) -> Figure:
    users, cards = values.shape
    place = _places(values, shown)
    data = [
        {
            "listeners": user_group_name(g),
            "cards": f"{k} · {label_of(model, k)}",
            "value": None if math.isnan(values[g, k]) else float(values[g, k]),
            "text": text(float(values[g, k])),
            "is_light": bool(place[g, k] >= DARK_FROM),
            "streams": round(model.count[g][k]),
            "href": cell_href(g, k),
        }
        for g in range(users)
        for k in range(cards)
    ]
    what = f"{MEASURES[shown]} by {reward}" if shown == "reward" else MEASURES[shown]
    return Figure(
        name="co-clusters",
        title=f"{what.capitalize()} by user group and card group",
        summary=_summary(model, values, what, text),
        spec=spec_of(data, ROW_PX * users + 90, **_heat_map(shown, what)),
        height_px=ROW_PX * users + 90,
        width_px_min=90 * cards + 120,
        shows_table=True,
        table=Table(
            caption=f"{what.capitalize()}: each cell opens its co-cluster",
            columns=("", *(f"{k} · {label_of(model, k)}" for k in range(cards))),
            rows=tuple(
                (user_group_name(g), *(Link(text(float(values[g, k])), cell_href(g, k)) for k in range(cards)))
                for g in range(users)
            ),
        ),
    )


def _summary(model: CoClusters, values: FloatArray, what: str, text: Callable[[float], str]) -> str:
    if not np.isfinite(values).any():
        return f"Heat map of {what}: no co-cluster has a value."
    high, low = (np.unravel_index(int(pick(values)), values.shape) for pick in (np.nanargmax, np.nanargmin))
    named = [
        f"{text(float(values[g, k]))} for {user_group_name(int(g))} on {label_of(model, int(k))}"
        for g, k in (high, low)
    ]
    return f"Heat map of {what}: highest {named[0]}, lowest {named[1]}."


def _places(values: FloatArray, shown: Shown) -> FloatArray:
    """Place of each value on the scale of colours, from 0 to 1."""
    if shown == "drift":
        return np.ones_like(values)
    scaled = np.log1p(values) if shown in {"time", "volume"} else values
    finite = scaled[np.isfinite(scaled)]
    if not len(finite) or finite.max() <= finite.min():
        return np.ones_like(values)
    return np.asarray(np.nan_to_num((scaled - finite.min()) / (finite.max() - finite.min()), nan=1.0))


def _heat_map(shown: Shown, what: str) -> Spec:
    scales: dict[Shown, Spec] = {
        "time": {"type": "symlog", "scheme": "viridis", "nice": False, "zero": False},
        "volume": {"type": "symlog", "scheme": "viridis", "nice": False, "zero": False},
        "reward": {"scheme": "viridis", "zero": False, "nice": False},
        "drift": {"type": "log", "scheme": "blueorange", "domain": [0.25, 4.0], "clamp": True},
    }
    return {
        "encoding": {
            "x": {"field": "cards", "type": "nominal", "title": None, "sort": None,
                  "axis": {"orient": "top", "labelAngle": 0, "labelLimit": 84, "domain": False, "ticks": False}},
            "y": {"field": "listeners", "type": "nominal", "title": None, "sort": None,
                  "axis": {"domain": False, "ticks": False}},
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "#8884", "strokeWidth": 1, "cursor": "pointer", "invalid": None},
                "encoding": {
                    "color": {"condition": {"test": "datum.value === null", "value": "#8882"},
                              "field": "value", "type": "quantitative", "title": what,
                              "scale": scales[shown], "legend": None},
                    "tooltip": [
                        {"field": "listeners", "title": "user group"},
                        {"field": "cards", "title": "card group"},
                        {"field": "text", "title": what},
                        {"field": "streams", "title": "streams"},
                    ],
                },
            },
            {
                "mark": {"type": "text", "fontSize": 13, "cursor": "pointer"},
                "encoding": {
                    "text": {"field": "text"},
                    "color": {"condition": [{"test": "datum.value === null", "value": "#888888"},
                                            {"test": "datum.is_light", "value": "#000000"}],
                              "value": "#ffffff"},
                },
            },
        ],
    }  # fmt: skip
