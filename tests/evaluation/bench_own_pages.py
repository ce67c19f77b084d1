"""Weights of a uniform policy on our own pages: mean over whole shelves by the logged order, and by products of slots.

Pages of the closed loop, ranked, shown, sent back and settled. Run it as `python -m tests.evaluation.bench_own_pages
[HOURS]`.
"""

import sys

import numpy as np

from tests.evaluation.own_pages import outcomes, uniform_on, uniform_rows


def main(hours: float) -> None:
    for policy in ("epsilon-greedy", "thompson", "plackett-luce"):
        loop, settled = outcomes(policy, seed=21, hours=hours, epsilon=0.1)
        logs = uniform_on(loop, settled).values()
        joint = np.concatenate([log.joint for log in logs])
        product = np.concatenate([(log.slot**log.there).prod(axis=1) for log in logs])
        rows = uniform_rows(loop, settled)
        told = (("by the order", joint), ("by the product of slots", product), ("by the order of rows", rows))
        for name, weights in told:
            effective = weights.sum() ** 2 / (weights**2).sum()
            error = weights.std() / np.sqrt(len(weights))
            print(
                f"{policy:14s} {name:24s} mean weight {weights.mean():7.3f} ± {error:.3f}, "
                f"effective {effective:6.0f} of {len(weights)}",
                flush=True,
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 24.0)
