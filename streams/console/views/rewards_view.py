"""One streamed time in, and what each reward makes of it in each co-cluster."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.success_shares import success_shares
from schemas.learning import CoClusters
from streams.console import words
from streams.console.console_state import ConsoleState
from streams.console.figures import Figure, Spec, Table, seconds_axis, spec_of
from streams.console.views.co_cluster_view import known_rewards
from streams.console.views.group_words import label_of, user_group_name

SECONDS_MAX = 7 * 86_400.0
HALF = 0.5


class RewardsPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of rewards."""

    seconds: float
    reward: str
    rewards: tuple[str, ...]
    ladder: Figure
    earned: Table
    shares: Table


def rewards_page(state: ConsoleState, *, seconds: float, reward: str, seed: int) -> RewardsPage | None:
    """The page; None until there are co-clusters with thresholds."""
    model = state.co_clusters
    if model is None or not model.thresholds_s:
        return None
    names = known_rewards(model)
    chosen = reward if reward in names else names[0]
    times = times_of(model)
    successes = {name: reward_named(name, seed).success(times) for name in names}
    earned = {name: success.of(np.array([seconds]))[0] for name, success in successes.items()}
    shares = {name: success_shares(times, success) for name, success in successes.items()}
    return RewardsPage(
        seconds=seconds,
        reward=chosen,
        rewards=names,
        ladder=_ladder(model, names, earned, shares, seconds),
        earned=_matrix(model, f"What {words.seconds(seconds)} earn by {chosen}", earned[chosen], "{:.2f}".format),
        shares=_matrix(model, f"Share of the streams that succeed by {chosen}", shares[chosen], words.share),
    )


def _ladder(
    model: CoClusters,
    names: tuple[str, ...],
    earned: dict[str, FloatArray],
    shares: dict[str, FloatArray],
    seconds: float,
) -> Figure:
    count = np.array(model.count)
    longest_s = max(3_600.0, seconds * 1.5, max(max(map(max, model.thresholds_s[name])) for name in names) * 1.1)
    ticks = [
        {"reward": name, "threshold": threshold_s, "text": words.seconds(threshold_s),
         "of": f"{user_group_name(g)} on {label_of(model, k)}",
         "reached": "success" if seconds >= threshold_s else "no success"}
        for name in names
        for g, row in enumerate(model.thresholds_s[name])
        for k, threshold_s in enumerate(row)
    ]  # fmt: skip
    height_px = 30 * len(names) + 90
    return Figure(
        name="ladder",
        title=f"Thresholds of every reward in every co-cluster, and a stream of {words.seconds(seconds)}",
        summary="A tick is a co-cluster: the stream succeeds where it lies right of the tick. "
        + "; ".join(f"{name} in {int((earned[name] >= HALF).sum())} of {earned[name].size}" for name in names)
        + " co-clusters.",
        spec=spec_of(ticks, height_px, layer=_layers(seconds, longest_s)),
        height_px=height_px,
        shows_table=True,
        table=Table(
            caption=f"What a stream of {words.seconds(seconds)} earns, over the co-clusters",
            columns=("reward", "succeeds in", "least", "mean", "most", "streams that succeed"),
            rows=tuple(
                (name, f"{int((earned[name] >= HALF).sum())} of {earned[name].size}", f"{earned[name].min():.2f}",
                 f"{_mean(earned[name], count):.2f}", f"{earned[name].max():.2f}",
                 words.share(_mean(np.nan_to_num(shares[name]), count)))
                for name in names
            ),
        ),
    )  # fmt: skip


def _mean(values: FloatArray, count: FloatArray) -> float:
    """Mean over co-clusters, by their streams."""
    total = float(count.sum())
    return float((values * count).sum() / total) if total > 0.0 else float(values.mean())


def _layers(seconds: float, longest_s: float) -> list[Spec]:
    x = seconds_axis("streamed time", longest_s)
    outcomes = ["success", "no success"]
    return [
        {
            "mark": {"type": "tick", "thickness": 2, "size": 18, "clip": True},
            "encoding": {
                "x": {"field": "threshold", **x},
                "y": {"field": "reward", "type": "nominal", "sort": None, "title": None},
                "color": {"field": "reached", "type": "nominal", "legend": {"title": None, "orient": "top"},
                          "scale": {"domain": outcomes, "range": ["#009e73", "#d55e00"]}},
                "tooltip": [{"field": "reward"}, {"field": "of", "title": "co-cluster"},
                            {"field": "text", "title": "succeeds from"}],
            },
        },
        {"data": {"values": [{"at": seconds}]}, "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 3]},
         "encoding": {"x": {"field": "at", **x}}},
    ]  # fmt: skip


def _matrix(model: CoClusters, caption: str, values: FloatArray, text: Callable[[float], str]) -> Table:
    users, cards = values.shape
    return Table(
        caption=caption,
        columns=("", *(f"{k} · {label_of(model, k)}" for k in range(cards))),
        rows=tuple((user_group_name(g), *(text(float(values[g, k])) for k in range(cards))) for g in range(users)),
    )
