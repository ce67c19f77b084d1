"""The leaderboard of the whole pipeline against the truth: the order of rewards, and misses of its intervals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from processors.arrays import FloatArray
from processors.cocluster.online.settings import LearnerSettings
from processors.leaderboard.candidate import candidates_of
from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.leaderboard.page_terms import STREAMED_MS
from processors.leaderboard.shadow_pages import PageKey
from processors.leaderboard.standings import Leaderboard
from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.policy_evidence import PagesWeighed
from schemas.policy_values import POOLED, PolicyValue
from streams.backtesting.in_process import InProcess
from streams.benchmarks.evaluation.planted_truth import YARDSTICKS, TruthfulRanking
from streams.settings import Settings, load

COMPARED = ("mean", "static", "mean:none", "mean:users", "mean:cards", "continuous", "random-groups")
STEP_MS, TAIL_STEP_MS = 60_000, 1_800_000
START_MS = 1_000_000_000
TWO_SIDED = 1.959964
DRAWS = 200
TAIL_STEPS = 26
"""Half hours at the end, with a visit each that lets time pass: until the last page of a minute before is corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardBench:
    """Worlds, and the size of each, played in the closed loop.

    `random_share` of the listeners are shown random pages, the others what the incumbent ranks for them. Every shelf
    has cards of all groups, because values are of the order inside shelves.
    """

    worlds: tuple[str, ...] = ("W1", "W5")
    seeds: int = 5
    pages: int = 20_000
    looks: tuple[int, ...] = ()  # judged on the way, too, when so many pages have settled; minutes are late there
    visits_per_minute: int = 60
    users: int = 500
    cards: int = 120
    shelves: int = 6
    random_share: float = 0.5
    seed: int = 1


def bench_leaderboard(settings: LeaderboardBench, on_row: Callable[[str], None]) -> dict[str, Any]:
    """For each world and yardstick: Kendall's tau of the rewards' values with the truth, and the share of misses.

    `missed` is of the intervals of values, for one look at the end; `missed_at_any_time` of those that hold at any
    time; `difference_missed_at_any_time` of the differences from the incumbent. `sure` is the share of differences that
    are above or below zero at any time, `sure_and_wrong` of those the share with the wrong sign. Only values that
    are shown count. `tau_reachable` is the tau of the truth with noise of the size of the standard error: no estimator
    with this error has a higher one on average (`_4_times`: with so many times the pages). `detectable_pairs` is the
    share of the pairs of rewards whose true difference is at least 1.96 standard errors, and `tau_detectable` the
    agreement of their signs, from -1 to 1. Figures `_by_slot` are without pooling.
    """
    found: dict[str, Any] = {
        "benchmark": "leaderboard",
        "seeds": settings.seeds,
        "pages": settings.pages,
        "random_share": settings.random_share,
    }
    for name in settings.worlds:
        runs = []
        for seed in range(settings.seed, settings.seed + settings.seeds):
            runs.append(_world(name, seed, settings))
            told = ", ".join(f"{what} tau {row['tau']:.2f}" for what, row in runs[-1].items())
            on_row(f"{name}, seed {seed}: {told}")
        found[name] = {what: _summed([run[what] for run in runs]) for what in runs[0]}
    return found


def _summed(rows: list[dict[str, float]]) -> dict[str, float | None]:
    """Means over seeds, and the lowest and highest tau."""
    means = {key: _mean([row[key] for row in rows]) for key in rows[0]}
    taus = [row["tau"] for row in rows]
    return {**means, "tau_low": min(taus), "tau_high": max(taus)}


def _mean(values: list[float]) -> float | None:
    some = [value for value in values if not np.isnan(value)]
    return float(np.mean(some)) if some else None


def pipeline_settings(seed: int) -> Settings:
    """Settings of the runs: every page is weighed, all rewards by the incumbent's policy."""
    policy = "epsilon-greedy"
    chosen = (*(f"{name} {policy}" for name in COMPARED), "mean uniform")
    own = {
        "seed": seed,
        "rewards": COMPARED,
        "leaderboard": LeaderboardSettings(share=1.0, pages_max=10**6, candidates=chosen),
        "coclusters": LearnerSettings(warmup_events=1_000),
    }
    return load(None, own)


def _world(name: str, seed: int, settings: LeaderboardBench) -> dict[str, dict[str, float]]:
    size = world_settings(name, users=settings.users, cards=settings.cards)
    world = SatisfactionWorld(size, world_seed=seed + 1_000)
    played = pipeline_settings(seed)
    candidates = candidates_of(played.leaderboard, played.listeners.ranking, played.reward_names)
    ranking = TruthfulRanking(candidates, world)
    pipeline = InProcess(played)
    pipeline.partitions[0].shadow.ranking = ranking
    names = [one.name for one in candidates]
    rewards = [number for number, one in enumerate(candidates) if one.ranking.policy != "uniform"]
    found: dict[str, dict[str, float]] = {}
    looks = list(settings.looks)

    def judge(by_satisfaction: Leaderboard, settled: list[PageKey], suffix: str = "") -> None:
        exposures = sum(ranking.exposures[page] for page in settled)
        truth = np.sum([ranking.of_page[page] for page in settled], axis=0) / exposures  # [y, k]
        values = {(value.yardstick, value.candidate): value for value in pipeline.leaderboard.values()}
        satisfied = [value for value in by_satisfaction.values() if value.yardstick == "stream-rate"]
        values |= {("satisfied", value.candidate): value for value in satisfied}
        by_slot = {(value.yardstick, value.candidate): value for value in pipeline.leaderboard.values(pools=False)}
        for row, yardstick in enumerate(YARDSTICKS):
            own = _judged([values[yardstick, one] for one in names], truth[row], rewards)
            if yardstick != "satisfied":
                slots = _judged([by_slot[yardstick, one] for one in names], truth[row], rewards)
                own |= {f"{key}_by_slot": slots[key] for key in ("tau", "difference_error")}
            found[yardstick + suffix] = own

    for played_so_far in _play(pipeline, world, settings, seed):
        while looks and len(played_so_far[1]) >= looks[0]:
            judge(*played_so_far, f" at {looks.pop(0)} pages")
    judge(*played_so_far)
    return found


def _play(
    pipeline: InProcess, world: SatisfactionWorld, settings: LeaderboardBench, seed: int
) -> Iterator[tuple[Leaderboard, list[PageKey]]]:
    """Play the world; after every step the leaderboard by satisfaction, and the names of the pages that settled."""
    home = SimulatedHome(
        world,
        HomePageSettings(control_share=settings.random_share, mixed_shelves=settings.shelves, look_deeper=0.9),
        seed=seed,
    )
    home.satisfied = set()
    for card in home.catalogue:
        pipeline.define(card)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x1EAD,)))
    activity = rng.gamma(2.0, size=world.settings.users)
    by_satisfaction, now_ms = Leaderboard(), START_MS
    settled: list[PageKey] = []
    steps = settings.pages // settings.visits_per_minute
    for step in range(steps + TAIL_STEPS):
        visits, length_ms = (settings.visits_per_minute, STEP_MS) if step < steps else (1, TAIL_STEP_MS)
        users = rng.choice(len(activity), size=visits, p=activity / activity.sum()).tolist()
        times = np.sort(rng.integers(now_ms, now_ms + length_ms, size=visits)).tolist()
        home.visit(users, times, pipeline.rankings)
        now_ms += length_ms
        for message in pipeline.take(home.events_until(now_ms), ranks=True):
            firsts = _as_satisfied(message, home.satisfied) if isinstance(message, PagesWeighed) else None
            if firsts is not None:
                by_satisfaction.take([firsts])
                settled += map(_key, firsts.user_id, firsts.impression_id)
        yield by_satisfaction, settled


def _key(user_id: str, impression_id: str) -> PageKey:
    return user_id.encode(), impression_id.encode()


def _as_satisfied(message: PagesWeighed, satisfied: set[tuple[str, int, int]]) -> PagesWeighed | None:
    """The pages that settle, with 30 s in place of satisfaction, and nothing else; None if there are none."""
    firsts = [page for page in message.pages() if page.is_first]
    if not firsts:
        return None
    candidates = range(len(message.candidates))
    places = [(page.impression_id, *place) for page in firsts for place in zip(page.row, page.slot, strict=True)]
    return PagesWeighed(
        source=message.source,
        candidates=message.candidates,
        user_id=tuple(page.user_id for page in firsts),
        impression_id=tuple(page.impression_id for page in firsts),
        shown_ms=tuple(page.shown_ms for page in firsts),
        is_first=(True,) * len(firsts),
        seen=tuple(len(page.row) for page in firsts),
        row=tuple(row for _, row, _ in places),
        slot=tuple(slot for _, _, slot in places),
        played_ms=tuple(STREAMED_MS * (place in satisfied) for place in places),
        previous_ms=(0,) * len(places),
        weights=tuple(tuple(weight for page in firsts for weight in page.weights[number]) for number in candidates),
        pooled=tuple(tuple(weight for page in firsts for weight in page.pooled[number]) for number in candidates),
    )


def _judged(values: list[PolicyValue], truth: FloatArray, rewards: list[int]) -> dict[str, float]:
    """Values of all candidates, the incumbent first, against their truth; `rewards` are to be ordered."""
    shown = [number for number, value in enumerate(values) if value.value is not None]
    less = [
        (value.difference_low_anytime, value.difference_high_anytime, truth[number] - truth[0])
        for number, value in enumerate(values)
        if number and value.difference_low_anytime is not None and value.difference_high_anytime is not None
    ]
    sure = [(low > 0.0, apart) for low, high, apart in less if low > 0.0 or high < 0.0]
    errors = [_half_width(value) / TWO_SIDED for value in values[1:] if value.difference_low is not None]
    spread = [abs(truth[one] - truth[two]) for one, two in combinations(rewards, 2)]
    error = float(np.mean(errors)) if errors else float("nan")
    apart = [
        ((values[one].value or 0.0) - (values[two].value or 0.0), truth[one] - truth[two])
        for one, two in combinations([number for number in rewards if number in shown], 2)
    ]
    detectable = [np.sign(found) * np.sign(true) for found, true in apart if abs(true) >= TWO_SIDED * error]
    return {
        "is_pooled": float(values[0].estimator == POOLED),
        "tau_reachable": _reachable(truth[rewards], error),
        "tau_reachable_4_times": _reachable(truth[rewards], error / 2.0),
        "tau_reachable_16_times": _reachable(truth[rewards], error / 4.0),
        "tau_detectable": float(np.mean(detectable)) if detectable else float("nan"),
        "detectable_pairs": len(detectable) / max(1, len(apart)),
        "tau": _tau(values, truth, [number for number in rewards if number in shown]),
        "tau_with_random_pages": _tau(values, truth, shown),
        "shown": len(shown) / len(values),
        "missed": _share([not values[n].low <= truth[n] <= values[n].high for n in shown]),
        "missed_at_any_time": _share(
            [
                not values[n].low_anytime <= truth[n] <= values[n].high_anytime
                for n in shown
                if values[n].low_anytime is not None
            ]
        ),
        "difference_missed_at_any_time": _share([not low <= apart <= high for low, high, apart in less]),
        "sure": _share([low > 0.0 or high < 0.0 for low, high, _ in less]),
        "sure_and_wrong": _share([is_better != (apart > 0.0) for is_better, apart in sure]),
        "incumbent": float(truth[0]),
        "rewards_apart": float(np.mean(spread)),
        "difference_error": error,
        "error": float(np.mean([values[n].standard_error or np.nan for n in shown])) if shown else float("nan"),
    }


def _tau(values: list[PolicyValue], truth: FloatArray, some: list[int]) -> float:
    return float(kendalltau([values[n].value for n in some], truth[some]).statistic) if len(some) > 1 else float("nan")


def _reachable(truth: FloatArray, error: float) -> float:
    """Mean tau with estimates that err by independent Normal noise, so that differences have this standard error."""
    if not np.isfinite(error):
        return float("nan")
    rng = np.random.default_rng(0x7A0)
    noise = rng.standard_normal((DRAWS, len(truth))) * error / np.sqrt(2.0)
    return float(np.mean([kendalltau(truth + one, truth).statistic for one in noise]))


def _half_width(value: PolicyValue) -> float:
    return ((value.difference_high or 0.0) - (value.difference_low or 0.0)) / 2.0


def _share(hits: list[bool]) -> float:
    return float(np.mean(hits)) if hits else float("nan")
