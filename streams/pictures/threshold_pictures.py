"""From when on rewards count a stream as a success: in one co-cluster, and in all for one streamed time."""

from collections.abc import Mapping

import numpy as np

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.success_shares import success_shares
from streams.pictures import words
from streams.pictures.distribution_picture import AXIS_PX
from streams.pictures.figures import Figure, Spec, Table, seconds_axis, spec_of
from streams.pictures.heat_map_picture import known_rewards
from streams.pictures.known_groups import KnownGroups, user_group_name
from streams.pictures.time_histograms import HOUR_S, span_of

HALF = 0.5
SUCCEEDS, FAILS = "success", "no success"


def cell_thresholds(known: KnownGroups, user_group: int, card_group: int, *, seed: int = 0) -> Figure:
    """The threshold of every reward in one co-cluster, and which share of its streams succeeds."""
    model, times = known.model, times_of(known.model)
    span = span_of(times.histogram.sum(axis=(1, 2)))
    rows: list[Spec] = []
    for name in known_rewards(model):
        at_s = model.thresholds_s[name][user_group][card_group]
        rate = float(success_shares(times, reward_named(name, seed).success(times))[user_group, card_group])
        rows.append({"reward": name, "threshold": at_s, "text": words.seconds(at_s), "rate": words.share(rate)})
    encoding = {
        "x": {"field": "threshold", **seconds_axis("succeeds from", span.end_s, from_s=span.begin_s)},
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


def ladder_picture(
    known: KnownGroups, earned: Mapping[str, FloatArray], shares: Mapping[str, FloatArray], *, seconds: float
) -> Figure:
    """Thresholds of every reward in every co-cluster, and one stream; `earned` and `shares` are [G, K] by reward."""
    model, names = known.model, tuple(earned)
    count = np.array(model.count)
    end_s = max(HOUR_S, seconds * 1.5, max(max(map(max, model.thresholds_s[name])) for name in names) * 1.1)
    ticks: list[Spec] = [
        {"reward": name, "threshold": at_s, "text": words.seconds(at_s),
         "of": f"{user_group_name(g)} on {known.label_of(k)}", "reached": SUCCEEDS if seconds >= at_s else FAILS}
        for name in names
        for g, row in enumerate(model.thresholds_s[name])
        for k, at_s in enumerate(row)
    ]  # fmt: skip
    height_px = 30 * len(names) + 90
    return Figure(
        name="ladder",
        title=f"Thresholds of every reward in every co-cluster, and a stream of {words.seconds(seconds)}",
        note="A tick is a co-cluster; the stream (dashed) succeeds where it lies right of the tick.",
        summary="; ".join(f"{name} in {_succeeding(earned[name])}" for name in names) + " co-clusters.",
        spec=spec_of(ticks, height_px, layer=_layers(seconds, end_s)),
        height_px=height_px,
        shows_table=True,
        table=Table(
            caption=f"What a stream of {words.seconds(seconds)} earns, over the co-clusters",
            columns=("reward", "succeeds in", "least", "mean", "most", "streams that succeed"),
            rows=tuple(
                (name, _succeeding(earned[name]), f"{earned[name].min():.2f}",
                 f"{_mean(earned[name], count):.2f}", f"{earned[name].max():.2f}",
                 words.share(_mean(np.nan_to_num(shares[name]), count)))
                for name in names
            ),
        ),
    )  # fmt: skip


def _succeeding(earned: FloatArray) -> str:
    return f"{int((earned >= HALF).sum())} of {earned.size}"


def _mean(values: FloatArray, count: FloatArray) -> float:
    """Mean over co-clusters, by their streams."""
    total = float(count.sum())
    return float((values * count).sum() / total) if total > 0.0 else float(values.mean())


def _layers(seconds: float, end_s: float) -> list[Spec]:
    x = seconds_axis("streamed time", end_s)
    return [
        {
            "mark": {"type": "tick", "thickness": 2, "size": 18, "clip": True},
            "encoding": {
                "x": {"field": "threshold", **x},
                "y": {"field": "reward", "type": "nominal", "sort": None, "title": None,
                      "axis": {"labelLimit": 200}},
                "color": {"field": "reached", "type": "nominal", "legend": {"title": None, "orient": "top"},
                          "scale": {"domain": [SUCCEEDS, FAILS], "range": ["#009e73", "#d55e00"]}},
                "tooltip": [{"field": "reward"}, {"field": "of", "title": "co-cluster"},
                            {"field": "text", "title": "succeeds from"}],
            },
        },
        {"data": {"values": [{"at": seconds}]}, "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 3]},
         "encoding": {"x": {"field": "at", **x}}},
    ]  # fmt: skip
