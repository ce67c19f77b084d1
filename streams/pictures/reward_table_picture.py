"""The table of rewards: what each counts as a success on the cards of each group, and how many streams reach it."""

import math

import numpy as np

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.success_shares import success_shares
from streams.pictures import words
from streams.pictures.figures import COLUMN_AXIS, Figure, Spec, Table, spec_of
from streams.pictures.heat_map_picture import known_rewards
from streams.pictures.known_groups import KnownGroups

ROW_PX = 44
DARK_FROM = 0.55
EVERYWHERE = "all"
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def reward_table_picture(known: KnownGroups, *, seed: int = 0) -> Figure | None:
    """Rewards x card groups; None while no thresholds are published.

    A reward may have another threshold for each user group: shown are the least and the largest.
    """
    model = known.model
    names = known_rewards(model)
    if not names:
        return None
    times = times_of(model)
    counts = np.array(model.count)
    columns = [known.column_name(k) for k in range(known.shape[1])]
    rows: list[Spec] = []
    for name in names:
        shares = success_shares(times, reward_named(name, seed).success(times))
        thresholds = np.array(model.thresholds_s[name])
        for k, column in enumerate(columns):
            rows.append(_cell(name, column, thresholds[:, k], _pooled(shares[:, k], counts[:, k])))
        rows.append(_cell(name, EVERYWHERE, thresholds.ravel(), _pooled(shares.ravel(), counts.ravel())))
    height_px = ROW_PX * len(names) + 70
    return Figure(
        name="rewards",
        title="What counts as a success, by reward and card group",
        note="Streamed time from which a stream succeeds (from the least to the largest over user groups); "
        "below, and as colour, the share of the streams that do.",
        summary="; ".join(
            f"{row['reward']}: {row['rate']} of all streams" for row in rows if row["k"] == EVERYWHERE
        ) + ".",
        spec=spec_of(rows, height_px, **_parts([*columns, EVERYWHERE])),
        height_px=height_px,
        width_px_min=104 * (len(columns) + 1) + 130,
        table=Table(
            caption="A stream succeeds from, and the share of the streams that do",
            columns=("reward", *columns, EVERYWHERE),
            rows=tuple(
                (name, *(f"{row['text']}: {row['rate']}" for row in rows if row["reward"] == name)) for name in names
            ),
        ),
    )  # fmt: skip


def _pooled(shares: FloatArray, counts: FloatArray) -> float:
    total = float(counts.sum())
    return float((np.nan_to_num(shares) * counts).sum() / total) if total > 0.0 else float("nan")


def _cell(reward: str, column: str, thresholds_s: FloatArray, rate: float) -> Spec:
    low_s, high_s = float(thresholds_s.min()), float(thresholds_s.max())
    low, high = words.seconds(low_s), words.seconds(high_s)
    return {
        "reward": reward,
        "k": column,
        "text": low if low == high else _range(low_s, high_s),
        "rate": words.share(rate),
        "value": None if math.isnan(rate) else round(rate, 4),
        "is_light": bool(rate >= DARK_FROM),
    }


def _range(low_s: float, high_s: float) -> str:
    """Two times in their larger units only.

    >>> _range(66.0, 89.0), _range(5.8, 3_700.0), _range(95.0, 96.0)
    ('1.1–1.5 min', '5.8 s–1 h', '1.6 min')
    """
    (low, low_unit), (high, high_unit) = _brief(low_s), _brief(high_s)
    if (low, low_unit) == (high, high_unit):
        return f"{low} {low_unit}"
    return f"{low}{'' if low_unit == high_unit else ' ' + low_unit}–{high} {high_unit}"


def _brief(seconds: float) -> tuple[str, str]:
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    value = seconds / size
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}", unit


def _parts(columns: list[str]) -> Spec:
    text = {"condition": {"test": "datum.is_light", "value": "#000000"}, "value": "#ffffff"}
    return {
        "encoding": {
            "x": {"field": "k", "type": "nominal", "title": None, "sort": columns,
                  "axis": COLUMN_AXIS},
            "y": {"field": "reward", "type": "nominal", "title": None, "sort": None,
                  "axis": {"domain": False, "ticks": False, "labelLimit": 130}},
        },
        "layer": [
            {"mark": {"type": "rect", "stroke": "#8884", "strokeWidth": 1, "invalid": None},
             "encoding": {"color": {"field": "value", "type": "quantitative", "legend": None,
                                    "scale": {"scheme": "viridis", "domain": [0, 1]}},
                          "tooltip": [{"field": "reward"}, {"field": "k", "title": "card group"},
                                      {"field": "text", "title": "succeeds from"},
                                      {"field": "rate", "title": "streams that succeed"}]}},
            {"mark": {"type": "text", "fontSize": 12, "fontWeight": 600, "dy": -7},
             "encoding": {"text": {"field": "text"}, "color": text}},
            {"mark": {"type": "text", "fontSize": 11, "dy": 9},
             "encoding": {"text": {"field": "rate"}, "color": text}},
        ],
    }  # fmt: skip
