"""One co-cluster: its distribution of streaming time beside others, with every reward's threshold."""

import math

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.cocluster.model.time_bins import bin_edges
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.streaming_times import StreamingTimes
from processors.rewards.success_shares import success_shares
from schemas.learning import CoClusters
from streams.console import words
from streams.console.console_state import ConsoleState
from streams.console.figures import Figure, Spec, Table, seconds_axis, spec_of
from streams.console.views.co_cluster_view import known_rewards
from streams.console.views.group_words import (
    CardGroupWords,
    UserGroupWords,
    card_groups,
    user_group_name,
    user_groups,
)

LONGEST_SHARE = 0.9995
"""The axis ends where this share of all streams has ended."""
AXIS_PX = 110
DASHES: tuple[list[int], ...] = ([], [6, 3], [2, 3], [10, 3, 2, 3])


class CellPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of one co-cluster."""

    user_group: UserGroupWords
    card_group: CardGroupWords
    streams: float
    typical_s: float
    typical_of_all_s: float
    distribution: Figure
    thresholds: Figure


def cell_page(state: ConsoleState, user_group: int, card_group: int, *, seed: int) -> CellPage | None:
    """The page; None if the model has no such co-cluster."""
    model = state.co_clusters
    if model is None or user_group >= len(model.user_prior) or card_group >= len(model.card_prior):
        return None
    times = times_of(model)
    cards = card_groups(state, model)[card_group]
    named = f"{user_group_name(user_group)} on {cards.label}"
    longest_s = _longest_s(times.histogram.sum(axis=(1, 2)))
    return CellPage(
        user_group=user_groups(model)[user_group],
        card_group=cards,
        streams=model.count[user_group][card_group],
        typical_s=math.expm1(model.mean[user_group][card_group]),
        typical_of_all_s=math.expm1(model.global_mean),
        distribution=_distribution(model, times, (user_group, card_group), named, longest_s),
        thresholds=_thresholds(model, times, (user_group, card_group), seed, longest_s),
    )


def _longest_s(histogram: FloatArray) -> float:
    total = histogram.sum()
    if total <= 0.0:
        return 3_600.0
    last = int(np.searchsorted(np.cumsum(histogram), LONGEST_SHARE * total))
    return float(np.expm1(bin_edges()[min(last + 1, len(histogram))]))


def _distribution(
    model: CoClusters, times: StreamingTimes, block: tuple[int, int], named: str, longest_s: float
) -> Figure:
    g, k = block
    histogram = times.histogram
    lines = {
        named: histogram[:, g, k],
        f"{user_group_name(g)}, all cards": histogram[:, g, :].sum(axis=1),
        f"{named.partition(' on ')[2]}, all listeners": histogram[:, :, k].sum(axis=1),
        "everybody": histogram.sum(axis=(1, 2)),
    }
    shares = {name: counts / max(float(counts.sum()), 1e-9) for name, counts in lines.items()}
    edges_s = np.expm1(bin_edges())
    shown = [b for b in range(len(edges_s) - 1) if edges_s[b] < longest_s]
    data = [
        {"of": name, "from": float(edges_s[b]), "share": float(values[b]),
         "text": f"{words.seconds(float(edges_s[b]))} to {words.seconds(float(edges_s[b + 1]))}"}
        for name, values in shares.items() for b in shown
    ]  # fmt: skip
    rules = [
        {"reward": name, "threshold": matrix[g][k], "text": words.seconds(matrix[g][k])}
        for name, matrix in model.thresholds_s.items() if 0.0 < matrix[g][k] <= longest_s
    ]  # fmt: skip
    medians = {name: words.seconds(_median_s(values)) for name, values in lines.items()}
    return Figure(
        name="distribution",
        title="How long streams last: share of the streams, in steps of 28%; vertical lines are thresholds",
        summary=f"Distribution of streaming time; medians: {'; '.join(f'{of}, {m}' for of, m in medians.items())}.",
        spec=spec_of(data, 320, layer=[_lines(list(shares), longest_s), _rules(rules, longest_s)]),
        table=Table(
            caption="Share of the streams by how long they last",
            columns=("streamed", *shares),
            rows=tuple(
                (f"{words.seconds(float(edges_s[b]))} to {words.seconds(float(edges_s[b + 1]))}",
                 *(words.share(float(values[b])) for values in shares.values()))
                for b in shown
            ),
        ),
    )  # fmt: skip


def _median_s(counts: FloatArray) -> float | None:
    total = float(counts.sum())
    if total <= 0.0:
        return None
    below = np.concatenate([[0.0], np.cumsum(counts)]) / total
    return float(np.expm1(np.interp(0.5, below, bin_edges())))


def _lines(names: list[str], longest_s: float) -> Spec:
    return {
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "clip": True},
        "encoding": {
            "x": {"field": "from", **seconds_axis("streamed time", longest_s)},
            "y": {"field": "share", "type": "quantitative", "title": None,
                  "axis": {"format": ".0%", "minExtent": AXIS_PX, "maxExtent": AXIS_PX}},
            "color": {"field": "of", "type": "nominal", "sort": None, "scale": {"domain": names},
                      "legend": {"title": None, "orient": "top", "columns": 2, "labelLimit": 300,
                                 "symbolType": "stroke"}},
            "strokeDash": {"field": "of", "type": "nominal", "scale": {"domain": names, "range": DASHES}},
            "tooltip": [{"field": "of", "title": "of"}, {"field": "text", "title": "streamed"},
                        {"field": "share", "format": ".1%"}],
        },
    }  # fmt: skip


def _rules(rules: list[Spec], longest_s: float) -> Spec:
    return {
        "data": {"values": rules},
        "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.7},
        "encoding": {
            "x": {"field": "threshold", **seconds_axis("streamed time", longest_s)},
            "tooltip": [{"field": "reward"}, {"field": "text", "title": "succeeds from"}],
        },
    }


def _thresholds(
    model: CoClusters, times: StreamingTimes, block: tuple[int, int], seed: int, longest_s: float
) -> Figure:
    g, k = block
    names = known_rewards(model)
    rows = []
    for name in names:
        threshold_s = model.thresholds_s[name][g][k]
        rate = float(success_shares(times, reward_named(name, seed).success(times))[g, k])
        rows.append({"reward": name, "threshold": threshold_s, "text": words.seconds(threshold_s),
                     "rate": words.share(rate)})  # fmt: skip
    encoding = {
        "x": {"field": "threshold", **seconds_axis("succeeds from", longest_s)},
        "y": {"field": "reward", "type": "nominal", "sort": None, "title": None,
              "axis": {"minExtent": AXIS_PX, "maxExtent": AXIS_PX, "labelLimit": AXIS_PX}},
        "tooltip": [{"field": "reward"}, {"field": "text", "title": "succeeds from"},
                    {"field": "rate", "title": "streams that succeed here"}],
    }  # fmt: skip
    height_px = 24 * len(rows) + 60
    return Figure(
        name="thresholds",
        title="From when on each reward counts a stream as a success here",
        summary="; ".join(f"{row['reward']} from {row['text']}, {row['rate']} of the streams" for row in rows) + ".",
        spec=spec_of(
            rows,
            height_px,
            encoding=encoding,
            layer=[
                {"mark": {"type": "tick", "thickness": 3, "size": 18, "clip": True}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 6, "clip": True},
                    "encoding": {"text": {"field": "text"}},
                },
            ],
        ),
        height_px=height_px,
        shows_table=True,
        table=Table(
            caption="Thresholds, and how many of the streams here reach them",
            columns=("reward", "succeeds from", "streams that succeed"),
            rows=tuple((str(row["reward"]), str(row["text"]), str(row["rate"])) for row in rows),
        ),
    )
