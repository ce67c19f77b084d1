"""Learning weighted by inverse propensities in world W6, where accidental streams follow the slot of an exposure.

Cards differ in how often they had the prominent slot, so that an unweighted log prefers those that had it often. Run it
as `python -m tests.rewards.bench_weighted [SEEDS]`; half a minute on one core for ten.
"""

import sys

from processors.evaluation.ladder import LadderSettings, Values, climb, paired
from processors.worlds.satisfaction import WORLDS

REWARDS = ("static", "mean:none", "mean", "arithmetic-mean")
IMPRESSIONS = (50_000, 200_000)
CASES = {
    "unweighted": {"placed": True},
    "weights up to 5": {"placed": True, "weight_max": 5.0},
    "weights up to 20": {"placed": True, "weight_max": 20.0},
    "no confounding": {"confounded": False},
    "W6's own, slots unknown": {},
    "W6's own, weights up to 20": {"weight_max": 20.0},
}


def main(seeds: int) -> None:
    for impressions in IMPRESSIONS:
        runs: dict[str, list[Values]] = {
            case: [
                climb(WORLDS["W6"], LadderSettings(impressions=impressions, rewards=REWARDS, **options), seed)
                for seed in range(1, seeds + 1)
            ]
            for case, options in CASES.items()
        }
        for reward in REWARDS:
            for case, found in runs.items():
                y30 = sum(run[reward]["y30"] for run in found) / seeds
                before = [{"after": run[reward], "before": base[reward]} for run, base in _with_base(runs, case)]
                gain, error = paired(before, "y30", "after", "before")
                sat, sat_error = paired(before, "ysat", "after", "before")
                told = f"{100 * gain:+5.1f} ± {100 * error:3.1f} %, ysat {100 * sat:+5.1f} ± {100 * sat_error:3.1f} %"
                print(f"{impressions // 1_000:4d}k {reward:16s} {case:28s} y30 {y30:.4f} {told}", flush=True)


def _with_base(runs: dict[str, list[Values]], case: str) -> list[tuple[Values, Values]]:
    base = "W6's own, slots unknown" if case.startswith("W6") else "unweighted"
    return list(zip(runs[case], runs[base], strict=True))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
