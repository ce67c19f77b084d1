"""A storm of kill -9 over workers under load, and the account afterwards.

python -m tests.exactly_once.storm --seed 1 --seconds 60 --backend jars
With --broker-kills the broker is killed and restarted as well.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import subprocess
import tempfile
import time
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from streams.exactly_once.records.produced import Produced
from streams.harness.interface import KafkaHarness
from tests.exactly_once.accounts import Account, account, random_inputs
from tests.exactly_once.brokers import BACKENDS, create_sums_topics, read_all, read_until
from tests.exactly_once.worker import start_worker

PARTITIONS = 4
SETTLE_S = 240.0


class Outcome(NamedTuple):
    """What happened, and whether the books balance."""

    inputs: int
    kills: int
    broker_kills: int
    deaths: int
    account: Account
    lag_s: float


class Storm:
    """Feeds two workers at a steady rate while a seeded schedule kills and restarts them."""

    def __init__(self, broker: KafkaHarness, prefix: str, *, seed: int, seconds: float, rate: int) -> None:
        self.broker = broker
        self.prefix = prefix
        self.random = random.Random(seed)
        self.seconds = seconds
        self.inputs = random_inputs(prefix, seed, int(seconds * rate), keys=1000, partitions=PARTITIONS)
        self.rate = rate
        self.workers: list[subprocess.Popen[str]] = []
        self.kills = self.broker_kills = self.deaths = 0
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  as long as the workers

    async def run(self, *, workers: int = 2, broker_kills: bool = False) -> Outcome:
        create_sums_topics(self.broker.bootstrap, self.prefix, PARTITIONS)
        self.workers = [self._start() for _ in range(workers)]
        try:
            feeding = asyncio.create_task(self._feed())
            await self._kill_until_fed(feeding, broker_kills=broker_kills)
            await feeding
            fed_s = time.monotonic()
            outputs = f"{self.prefix}-outputs"
            wanted = len(self.inputs)
            with contextlib.suppress(TimeoutError):  # the account will say what is missing
                await read_until(self.broker.bootstrap, outputs, lambda read: len(read) >= wanted, deadline_s=SETTLE_S)
            lag_s = time.monotonic() - fed_s
            await self._stop_politely()
            told = account(self.inputs, await read_all(self.broker.bootstrap, outputs))
            return Outcome(wanted, self.kills, self.broker_kills, self.deaths, told, lag_s)
        finally:
            for worker in self.workers:
                worker.kill()
                worker.wait()

    def _start(self) -> "subprocess.Popen[str]":
        return start_worker(self.broker.bootstrap, self.prefix, told=subprocess.DEVNULL, log=self.log)

    async def _feed(self) -> None:
        """Write all inputs in their order, at the rate."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.broker.bootstrap, enable_idempotence=True, linger_ms=10
        ) as producer:
            started_s = time.monotonic()
            for number, record in enumerate(self.inputs):
                await self._send(producer, record)
                ahead_s = number / self.rate - (time.monotonic() - started_s)
                if ahead_s > 0.01:
                    await asyncio.sleep(ahead_s)
            await producer.flush()

    @staticmethod
    async def _send(producer: AIOKafkaProducer, record: Produced) -> None:
        await producer.send(record.topic, record.value, record.key, record.partition)

    async def _kill_until_fed(self, feeding: "asyncio.Task[None]", *, broker_kills: bool) -> None:
        while not feeding.done():
            pause_s = self.random.uniform(0.5, 4.0)
            await asyncio.wait([feeding], timeout=pause_s)
            self._count_deaths()
            if feeding.done():
                return
            if broker_kills and self.random.random() < 0.2:
                await asyncio.to_thread(self.broker.kill)
                await asyncio.sleep(self.random.uniform(0.0, 2.0))
                await asyncio.to_thread(self.broker.restart)
                self.broker_kills += 1
                continue
            victim = self.random.randrange(len(self.workers))
            self.workers[victim].kill()
            self.workers[victim].wait()
            self.kills += 1
            self.workers[victim] = self._start()

    def _count_deaths(self) -> None:
        """Count workers that ended although nobody killed them; there must be none."""
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.deaths += 1
                self.workers[number] = self._start()

    def last_words(self) -> str:
        """What the workers wrote of late."""
        self.log.seek(0)
        return self.log.read()[-4000:]

    async def _stop_politely(self) -> None:
        self._count_deaths()
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            await asyncio.to_thread(worker.wait, SETTLE_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=sorted(BACKENDS), default="jars")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--broker-kills", action="store_true")
    options = parser.parse_args()
    with BACKENDS[options.backend]() as broker:
        storm = Storm(broker, "storm", seed=options.seed, seconds=options.seconds, rate=options.rate)
        outcome = asyncio.run(storm.run(workers=options.workers, broker_kills=options.broker_kills))
    print(f"seed {options.seed}: {outcome}")
    if outcome.deaths:
        print(storm.last_words())
    if outcome.deaths or not outcome.account.balanced:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
