"""The heat map of co-clusters: user groups x card groups by typical time, volume, reward rate or drift."""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from processors.arrays import FloatArray
from processors.drift.subjects import STREAMING_TIME
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import REWARD_NAMES, reward_named
from processors.rewards.success_shares import success_shares
from schemas.learning import CoClusters
from schemas.monitoring import DriftIncident
from streams.pictures import words
from streams.pictures.figures import COLUMN_AXIS, Figure, Link, Spec, Table, spec_of
from streams.pictures.known_groups import KnownGroups, user_group_name

Shown = Literal["time", "volume", "reward", "drift"]
MEASURES: dict[Shown, str] = {
    "time": "typical streaming time",
    "volume": "streams",
    "reward": "reward rate",
    "drift": "open drift incidents",
}
NOTES: dict[Shown, str] = {
    "time": "Geometric mean of the streamed seconds; colours are logarithmic.",
    "volume": "Streams, each shared among co-clusters by its soft groups; colours are logarithmic.",
    "reward": "Share of the streams that succeed.",
    "drift": "Factor of the typical streaming time since the change; orange is longer, blue is shorter.",
}
DARK_FROM = 0.55
"""Place on the scale of colours from which black text is readable."""
ROW_PX = 46


def cell_href(user_group: int, card_group: int) -> str:
    """Address of a co-cluster's page in the console."""
    return f"/co-clusters/{user_group}/{card_group}"


def known_rewards(model: CoClusters) -> tuple[str, ...]:
    """Rewards whose thresholds the model publishes, in the order of the catalogue."""
    return tuple(name for name in REWARD_NAMES if name in model.thresholds_s)


def chosen_reward(model: CoClusters, asked: str) -> str:
    """The reward that was asked for if the model publishes it, else the first that it does."""
    known = known_rewards(model)
    return asked if asked in known else (known[0] if known else "static")


def measured(
    model: CoClusters, incidents: Iterable[DriftIncident], *, shown: Shown, reward: str, seed: int
) -> tuple[FloatArray, Callable[[float], str]]:
    """Values [G, K] of a measure, NaN where there is none, and how to write one; `incidents` are the open ones."""
    if shown == "volume":
        return np.array(model.count), words.count
    if shown == "reward":
        times = times_of(model)
        return success_shares(times, reward_named(reward, seed).success(times)), words.share
    if shown == "drift":
        return _drifted(model, incidents), _change
    mean = np.where(np.array(model.count) > 0.0, np.array(model.mean), np.nan)
    return np.expm1(mean), words.seconds


def _change(value: float) -> str:
    return words.NOTHING if math.isnan(value) else words.factor(value)


def _drifted(model: CoClusters, incidents: Iterable[DriftIncident]) -> FloatArray:
    """Factors of streaming time of the co-clusters that open incidents name first, NaN elsewhere."""
    values = np.full((len(model.user_prior), len(model.card_prior)), np.nan)
    for incident in incidents:
        if incident.quantity != STREAMING_TIME or incident.generation != model.generation:
            continue
        for subject in incident.subjects[:1]:
            user, _, card = subject.partition(".")
            if user.isdigit() and card.isdigit() and int(user) < values.shape[0] and int(card) < values.shape[1]:
                values[int(user), int(card)] = math.exp(incident.size)
    return values


def heat_map_picture(
    known: KnownGroups, incidents: Iterable[DriftIncident] = (), *, shown: Shown = "time", reward: str, seed: int = 0
) -> Figure:
    """The heat map, and its numbers as a table."""
    values, text = measured(known.model, incidents, shown=shown, reward=reward, seed=seed)
    users, cards = values.shape
    place = _places(values, shown)
    data = [
        {
            "listeners": user_group_name(g),
            "cards": known.column_name(k),
            "value": None if math.isnan(values[g, k]) else float(values[g, k]),
            "text": text(float(values[g, k])),
            "is_light": bool(place[g, k] >= DARK_FROM),
            "streams": round(known.model.count[g][k]),
            "href": cell_href(g, k),
        }
        for g in range(users)
        for k in range(cards)
    ]
    what = f"{MEASURES[shown]} by {reward}" if shown == "reward" else MEASURES[shown]
    return Figure(
        name="co-clusters",
        title=f"{what[:1].upper()}{what[1:]} by user group and card group",
        note=NOTES[shown],
        summary=_summary(known, values, what, text),
        spec=spec_of(data, ROW_PX * users + 90, **_heat_map(shown, what)),
        height_px=ROW_PX * users + 90,
        width_px_min=90 * cards + 120,
        shows_table=True,
        table=Table(
            caption=f"{what[:1].upper()}{what[1:]}: each cell opens its co-cluster",
            columns=("", *(known.column_name(k) for k in range(cards))),
            rows=tuple(
                (user_group_name(g), *(Link(text(float(values[g, k])), cell_href(g, k)) for k in range(cards)))
                for g in range(users)
            ),
        ),
    )


def _summary(known: KnownGroups, values: FloatArray, what: str, text: Callable[[float], str]) -> str:
    if not np.isfinite(values).any():
        return f"Heat map of {what}: no co-cluster has a value."
    high, low = (np.unravel_index(int(pick(values)), values.shape) for pick in (np.nanargmax, np.nanargmin))
    named = [
        f"{text(float(values[g, k]))} for {user_group_name(int(g))} on {known.label_of(int(k))}" for g, k in (high, low)
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
                  "axis": COLUMN_AXIS},
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
