"""Kills of two workers that map foreign topics, and the account afterwards.

python -m tests.mapping.storm_mapping --backend jars --count 20000 --kills 8
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from streams.exactly_once.records.placement import partition_of
from tests.exactly_once.brokers import BACKENDS, read_all
from tests.mapping.foreign import PAGES, PLAYS, START_S, Foreign, history, mapping_worker, prepare, write
from tests.mapping.test_intake import disorder_ms

PARTITIONS = 3
EVERY_S = 0.1
"""Between two events: event time must not run much faster than the clock, or a second of delay is an hour."""
SETTLE_S = 300.0


async def feed(bootstrap: str, records: list[Foreign], seconds: float) -> None:
    """Write the records at a steady rate."""
    size = max(1, len(records) // 100)
    for at in range(0, len(records), size):
        await write(bootstrap, records[at : at + size])
        await asyncio.sleep(seconds / 100)


async def count(bootstrap: str) -> int:
    return sum([len(await read_all(bootstrap, topic)) for topic in ("stream-ends", "impressions")])


async def storm(bootstrap: str, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    config = prepare(bootstrap, folder, PARTITIONS)
    records = history(seed=options.seed, count=options.count, partitions=PARTITIONS, every_s=EVERY_S)
    draw, kills = random.Random(options.seed), 0
    workers = [mapping_worker(bootstrap, config, folder / f"{number}.log") for number in range(2)]
    for worker in workers:
        worker.__enter__()
    feeding = asyncio.create_task(feed(bootstrap, records, options.seconds))
    try:
        while kills < options.kills:
            await asyncio.sleep(draw.uniform(0.5, 2.0) * options.seconds / options.kills / 1.25)
            victim = draw.choice(workers)
            victim.refuse_if_dead()
            assert victim.process is not None
            victim.process.kill()
            victim.process.wait()
            victim.__enter__()
            kills += 1
        await feeding
        fed_s = time.monotonic()
        while await count(bootstrap) < len(records) and time.monotonic() - fed_s < SETTLE_S:  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        await asyncio.sleep(2.0)  # anything that comes twice has come by then
    finally:
        for worker in workers:
            worker.__exit__(None, None, None)
    return {"records": len(records), "kills": kills, **await account(bootstrap, records)}


async def account(bootstrap: str, records: list[Foreign]) -> dict[str, int]:
    """What is missing, doubled, in a wrong partition, and how far events came after newer ones."""
    found = {"missing": 0, "doubled": 0, "misplaced": 0, "disorder_ms": 0}
    for topic, source in (("stream-ends", PLAYS), ("impressions", PAGES)):
        theirs = Counter(
            START_S * 1_000 + round(number * EVERY_S * 1_000) for number, it in enumerate(records) if it.topic == source
        )
        ours = await read_all(bootstrap, topic)
        times = Counter(json.loads(it.value or b"")["event_ms"] for it in ours)
        found["missing"] += (theirs - times).total()
        found["doubled"] += (times - theirs).total()
        found["misplaced"] += sum(partition_of(it.key or b"", 4) != it.partition for it in ours)
        found["disorder_ms"] = max(found["disorder_ms"], disorder_ms(ours))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=sorted(BACKENDS), default="embedded")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=80)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with BACKENDS[options.backend]() as broker, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(storm(broker.bootstrap, Path(folder), options))
    print(json.dumps(found))
    if found["missing"] or found["doubled"] or found["misplaced"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
