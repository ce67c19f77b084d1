"""Peer: VW's confidence sequence (vw-estimators, `bandits.cs`) on logs of one arm.

Runs with the Python of a virtual environment that has vw-estimators, and imports nothing of ours:
python vw_looks.py RATE EVENTS REPEATS SEED
"""

import json
import sys
from typing import Any

import numpy as np

EVERY = 100
ALPHA = 0.05


def main() -> None:
    """Look at every hundredth event; prints false alarms and the last half-width as one JSON object."""
    from estimators.bandits import cs

    rate, events, repeats, seed = float(sys.argv[1]), *map(int, sys.argv[2:5])
    alarms, widths = 0, []
    for repeat in range(repeats):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x77, repeat)))
        interval: Any = cs.Interval()
        is_missed = False
        for number, reward in enumerate((rng.random(events) < rate).astype(float).tolist(), start=1):
            interval.add_example(1.0, reward, 1.0)
            if number % EVERY == 0:
                low, high = interval.get(ALPHA)
                is_missed = is_missed or not low <= rate <= high
        low, high = interval.get(ALPHA)
        widths.append((high - low) / 2)
        alarms += is_missed
    print(json.dumps({"false_alarms": alarms / repeats, "half_width": float(np.mean(widths)), "repeats": repeats}))  # noqa: T201


if __name__ == "__main__":
    main()
