"""precision@k and recall@k of rewards and groupings over those of a baseline, in planted worlds and on a random log."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.evaluation.ladder import LadderSettings, retrieved
from processors.evaluation.ranked_retrieval import normalised
from processors.rewards.reward_catalogue import REWARD_NAMES
from processors.worlds.satisfaction import world_settings
from streams.configuration_error import ConfigurationError
from streams.files.tables import CsvFile, Row, messages_of, reasons
from streams.replaying.open_bandit import EXPOSURE_COLUMNS, exposure_of

BASELINE = "static"
SIZES = (1, 3, 10)
FEATURES = tuple(f"user_feature_{number}" for number in range(4))
FOLDS, PRIOR, RESAMPLES = 5, 200.0, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionBench:
    """Worlds of 2,000 listeners and 120 cards, and the log that trains each policy."""

    worlds: tuple[str, ...] = ("W1", "W2", "W3", "W4", "W5", "W6")
    impressions: int = 50_000
    seeds: int = 5
    groups: Literal["true", "estimated"] = "true"
    rewards: tuple[str, ...] = REWARD_NAMES
    seed: int = 1


def bench_precision(bench: PrecisionBench, on_row: Callable[[str], None]) -> dict[str, Any]:
    """For each world and yardstick, a row for each reward and grouping: figures over those of `static`.

    Means over seeds of ratios paired by seed; `error` is the standard error of that of precision@3. The row of the
    baseline itself has its plain figures.
    """
    found: dict[str, Any] = {
        "benchmark": "precision",
        "baseline": BASELINE,
        "impressions": bench.impressions,
        "seeds": bench.seeds,
        "groups": bench.groups,
    }
    settings = LadderSettings(
        impressions=bench.impressions, groups=bench.groups, shown=max(SIZES), rewards=bench.rewards
    )
    for name in bench.worlds:
        world = world_settings(name, users=2_000, cards=120)
        runs = [retrieved(world, settings, seed, SIZES) for seed in range(bench.seed, bench.seed + bench.seeds)]
        for yardstick in runs[0]:
            found[f"{name} {yardstick}"] = _summed([run[yardstick] for run in runs])
        on_row(f"{name}: {bench.seeds} worlds")
    return found


def _summed(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    relative = [normalised(run, BASELINE) for run in runs]
    rows: dict[str, dict[str, float]] = {}
    for name in runs[0]:
        some = runs if name == BASELINE else relative
        rows[name if name != BASELINE else f"{BASELINE} (itself)"] = {
            **{key: float(np.mean([run[name][key] for run in some])) for key in some[0][name]},
            "error": float(np.std([run[name]["precision@3"] for run in some], ddof=1)) / sqrt(len(some))
            if len(some) > 1
            else float("nan"),
        }
    return dict(sorted(rows.items(), key=lambda row: -row[1]["precision@3"] - 1e9 * row[0].endswith("(itself)")))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClickLog:
    """Rows of uniformly shown items: item, click and the listener's features [n, 4], as numbers."""

    item: IntArray
    click: FloatArray
    features: IntArray


def precision_of_items(file: Path, seed: int) -> dict[str, Any]:
    """Policies that show the k items with the highest click rate, by groups of listeners, over random items.

    Clicks have no length, so all rewards are one; only groupings differ. A policy is trained on four fifths of the log
    and judged on the rest: items are uniform there, so clicks per row with one of its items is its precision, and its
    share of all clicks its recall; over random items both are the same ratio but for chance. Intervals of 95% are of
    rows that are drawn again.
    """
    log = _clicks(file)
    items = int(log.item.max()) + 1
    rng = np.random.default_rng(seed)
    fold = rng.integers(FOLDS, size=len(log.item))
    groupings = {"none": np.zeros(len(log.item), dtype=np.int64)} | {
        name.replace("user_feature_", "listeners by feature "): log.features[:, place]
        for place, name in enumerate(FEATURES)
    }
    found: dict[str, Any] = {"benchmark": "precision", "baseline": "random items", "rows": len(log.item),
                             "clicks": int(log.click.sum()), "items": items}  # fmt: skip
    draws = rng.integers(len(log.item), size=(RESAMPLES, len(log.item)))
    for name, group in groupings.items():
        rank = _ranks(log, group, fold, items)
        found[name] = {
            key: figure for size in SIZES for key, figure in _judged(log, rank < size, size, items, draws).items()
        }
    return found


def _clicks(file: Path) -> ClickLog:
    rejected: Counter[str] = Counter()
    columns = (*EXPOSURE_COLUMNS, *FEATURES)
    rows = list(messages_of(CsvFile(file), columns, lambda _, row: (exposure_of(row), _features(row)), rejected))
    if not rows:
        raise ConfigurationError(f"{file} has no valid row ({reasons(rejected)}); it needs {', '.join(columns)}")
    items = np.unique([exposure[0] for exposure, _ in rows], return_inverse=True)[1]
    names = np.array([features for _, features in rows])
    numbers = [np.unique(names[:, place], return_inverse=True)[1] for place in range(len(FEATURES))]
    clicks = np.array([exposure[2] for exposure, _ in rows], dtype=np.float64)
    return ClickLog(item=items, click=clicks, features=np.stack(numbers, axis=1))


def _features(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in FEATURES)


def _ranks(log: ClickLog, group: IntArray, fold: IntArray, items: int) -> IntArray:
    """Rank of each row's item in the policy of its group that the other folds trained, from 0."""
    found = np.empty(len(group), dtype=np.int64)
    groups = int(group.max()) + 1
    for held in range(FOLDS):
        train, test = fold != held, np.flatnonzero(fold == held)
        shown, clicks = np.zeros((groups, items)), np.zeros((groups, items))
        np.add.at(shown, (group[train], log.item[train]), 1.0)
        np.add.at(clicks, (group[train], log.item[train]), log.click[train])
        overall = clicks.sum() / shown.sum()
        of_item = (clicks.sum(axis=0) + PRIOR * overall) / (shown.sum(axis=0) + PRIOR)
        rate = (clicks + PRIOR * of_item) / (shown + PRIOR)
        place = np.argsort(np.argsort(-rate, axis=1, kind="stable"), axis=1)
        found[test] = place[group[test], log.item[test]]
    return found


def _judged(log: ClickLog, is_in: BoolArray, size: int, items: int, draws: IntArray) -> Mapping[str, float]:
    def figures(rows: IntArray) -> tuple[float, float]:
        click, chosen = log.click[rows], is_in[rows]
        overall, total = click.mean(), click.sum()
        return (
            float(click[chosen].mean() / overall) if chosen.any() and total else float("nan"),
            float((click * chosen).sum() / total * items / size) if total else float("nan"),
        )

    precision, recall = figures(np.arange(len(is_in)))
    low, high = np.nanquantile([figures(rows)[0] for rows in draws], [0.025, 0.975])
    return {
        f"precision@{size}": precision,
        f"low@{size}": float(low),
        f"high@{size}": float(high),
        f"recall@{size}": recall,
    }
