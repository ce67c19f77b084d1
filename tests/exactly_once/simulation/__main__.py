"""Plays histories until there were so many crashes: python -m tests.exactly_once.simulation --crashes 100000."""

import argparse
import time

from tests.exactly_once.simulation.history import Counts, History


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crashes", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first history; the others follow")
    options = parser.parse_args()
    started_s, counts, seed = time.monotonic(), Counts(), options.seed
    while counts.crashes < options.crashes:
        try:
            counts = counts.plus(History(seed).play())
        except BaseException:
            print(f"history {seed} failed; play it again: --crashes 1 --seed {seed}")
            raise
        seed += 1
    seconds = time.monotonic() - started_s
    print(f"{seed - options.seed} histories in {seconds:.0f} s, no violation: {counts}")


if __name__ == "__main__":
    main()
