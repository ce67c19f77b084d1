"""What rewards are worth in planted worlds: asserts the claims that hold over seeds, reports those that do not.

Run it as `python -m tests.rewards.bench_claims`; a minute on one core with true groups, some more with estimated ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from processors.evaluation.ladder import LadderSettings, Values, climb, paired
from processors.worlds.satisfaction import WORLDS


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`better` is worth more than each of `worse` by at least this relative gain (at most, where `at_most` is set)."""

    world: str
    yardstick: str
    better: str
    worse: tuple[str, ...]
    impressions: int
    seeds: int
    groups: Literal["true", "estimated"] = "true"
    confounded: bool = True
    at_least: float = 0.0
    at_most: float = float("inf")
    is_safe: bool = field(default=True)


LOWER = ("mean:none", "mean:users", "mean:cards")
LOWER_PAPER = ("arithmetic-mean:none", "arithmetic-mean:users", "arithmetic-mean:cards")
W1 = {"world": "W1", "yardstick": "ysat", "better": "mean", "seeds": 5}
W6 = {"world": "W6", "yardstick": "y30", "impressions": 50_000, "seeds": 10}

CLAIMS = (
    Claim(**W1, worse=(*LOWER, "static", "random-threshold", "additive", "continuous"), impressions=200_000),
    Claim(world="W5", yardstick="ysat", better="mean", worse=("static",), impressions=50_000, seeds=5),
    Claim(world="W5", yardstick="ysat", better="static", worse=("mean:none",), impressions=50_000, seeds=5),
    Claim(
        world="W2",
        yardstick="ysat",
        better="arithmetic-mean:users",
        worse=("arithmetic-mean:none", "arithmetic-mean:cards"),
        impressions=200_000,
        seeds=5,
    ),
    Claim(
        world="W3",
        yardstick="ysat",
        better="arithmetic-mean:cards",
        worse=("arithmetic-mean:none", "arithmetic-mean:users"),
        impressions=200_000,
        seeds=5,
    ),
    Claim(
        world="W4",
        yardstick="ysat",
        better="mean",
        worse=("mean:none",),
        impressions=200_000,
        seeds=10,
        at_least=-0.02,
        at_most=0.02,
    ),
    *(Claim(**W6, better=lower, worse=("static",)) for lower in LOWER_PAPER),
    Claim(**W6, better="arithmetic-mean", worse=("static",), at_least=0.15),
    Claim(**W6, better="arithmetic-mean", worse=("additive", "continuous", "random-threshold")),
    Claim(**{**W6, "seeds": 40}, better="arithmetic-mean", worse=LOWER_PAPER[1:]),
    Claim(
        world="W6",
        yardstick="y30",
        better="mean",
        worse=("static",),
        impressions=200_000,
        seeds=5,
        confounded=False,
        at_least=float("-inf"),
        at_most=0.0,
    ),
    Claim(**W1, worse=LOWER, impressions=200_000, groups="estimated"),
    Claim(**W1, worse=("random-threshold",), impressions=50_000, groups="estimated"),
    # not safe: reported only
    Claim(**W6, better="arithmetic-mean", worse=("static",), at_least=0.25, is_safe=False),
    Claim(**W6, better="mean", worse=("static", *LOWER), at_least=0.15, is_safe=False),
    Claim(**W1, worse=("mean:users",), impressions=50_000, is_safe=False),
    Claim(
        world="W1",
        yardstick="ysat",
        better="mean:users",
        worse=("mean:cards",),
        impressions=200_000,
        seeds=5,
        is_safe=False,
    ),
    Claim(
        world="W1", yardstick="ysat", better="mean:none", worse=("static",), impressions=200_000, seeds=5, is_safe=False
    ),
    Claim(
        world="W1",
        yardstick="ysat",
        better="arithmetic-mean",
        worse=("continuous",),
        impressions=200_000,
        seeds=5,
        groups="estimated",
        is_safe=False,
    ),
    Claim(**{**W6, "seeds": 5}, better="arithmetic-mean", worse=("static",), groups="estimated", is_safe=False),
)


@cache
def runs(
    world: str, impressions: int, seeds: int, groups: Literal["true", "estimated"], confounded: bool
) -> tuple[Values, ...]:
    settings = LadderSettings(impressions=impressions, groups=groups, confounded=confounded)
    return tuple(climb(WORLDS[world], settings, seed) for seed in range(1, seeds + 1))


def failures() -> Iterator[str]:
    for claim in CLAIMS:
        found = runs(claim.world, claim.impressions, claim.seeds, claim.groups, claim.confounded)
        for worse in claim.worse:
            gain, error = paired(found, claim.yardstick, claim.better, worse)
            wins = sum(run[claim.better][claim.yardstick] > run[worse][claim.yardstick] for run in found)
            holds = claim.at_least <= gain <= claim.at_most
            where = (
                f"{claim.world}{'' if claim.confounded else ' clean'} {claim.yardstick} {claim.impressions // 1_000}k"
            )
            what = f"{where} {claim.groups} groups: {claim.better} over {worse}"
            figures = f"{100 * gain:+6.1f} ± {100 * error:4.1f} %, {wins} of {claim.seeds} seeds"
            verdict = ("holds" if holds else "FAILS") if claim.is_safe else f"not safe, here {'so' if holds else 'not'}"
            print(f"{what:78s} {figures:36s} {verdict}", flush=True)
            if claim.is_safe and not holds:
                yield f"{what}: {figures}"


if __name__ == "__main__":
    failed = list(failures())
    assert not failed, failed
