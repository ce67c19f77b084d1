"""How long views take: `python -m tests.console.bench_console http://127.0.0.1:8400`, while a demo plays.

Prints the median and the 95th percentile of the time to a whole page, by view, in milliseconds.
"""

import statistics
import sys
import time
from urllib.request import urlopen

ROUNDS = 60
PAUSE_S = 0.02
PATHS = (
    "/", "/co-clusters", "/co-clusters?show=reward", "/co-clusters/0/0", "/listener?user=u1", "/rewards?seconds=180",
    "/drift", "/evidence", "/dead-letters",
)  # fmt: skip


def taken_ms(address: str) -> float:
    begun_s = time.perf_counter()
    with urlopen(address) as answer:
        answer.read()
    return (time.perf_counter() - begun_s) * 1_000


def main(address: str) -> None:
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    for _ in range(ROUNDS):
        for path in PATHS:
            times[path].append(taken_ms(address.rstrip("/") + path))
            time.sleep(PAUSE_S)
    for path, taken in times.items():
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(f"{path:<28} median {statistics.median(taken):6.1f} ms   p95 {p95:6.1f} ms   most {max(taken):6.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1])
