"""`bench mutations`: a million corrupted records; none blocks processing, each is counted or becomes a dead letter.

Their values are corrupted, or their metadata (headers, key, timestamp, partition), or both.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from schemas.codec import UnreadableError
from schemas.dead_letters import DeadLetter
from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.books import INPUTS, Place
from streams.auditing.reading import read_records
from streams.benchmarks.bench_brokers import Backend, broker_for
from streams.benchmarks.bench_traffic import TAIL_MS, Traffic, TrafficSettings
from streams.benchmarks.envelopes import spoiled
from streams.benchmarks.filling import keyed
from streams.benchmarks.mutator import mutated
from streams.benchmarks.pipeline import worked_off
from streams.benchmarks.raw_filling import fill_raw
from streams.benchmarks.storm.feeding import clocks
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.produced import Produced
from streams.settings import Settings
from streams.tasks.intake import read_one
from streams.topics.admin import ensure

ENVIRONMENT = {"SHELFWISE_SETTLEMENT__IDLE_MS": "60000"}
TRAFFIC = TrafficSettings(users=2_000, pages=20_000, page_every_ms=50)
"""All events are within twenty minutes of event time, long enough ago for the present clock to close the books."""
VALUES_SHARE, ENVELOPES_SHARE = 0.55, 0.5


class Mutations:
    """Mutated records with their expected results: None if valid, else the reason.

    The oracle is the schema itself, outside of the pipeline; the auditor checks bytes and completeness.
    """

    def __init__(self, count: int, seed: int, settings: Settings) -> None:
        self.by_kind: Counter[str] = Counter()
        self.expected: dict[Place, str | None] = {}
        self.now_ms = int(time.time() * 1_000)
        self._count = count
        self._random = Random(seed)  # noqa: S311  reproducible, not secret
        self._partitions = settings.page_partitions
        self._offsets: Counter[tuple[str, int]] = Counter()
        settlement = settings.settlement
        ended_ms = self.now_ms - settlement.horizon_ms - 2 * settlement.lateness_ms
        traffic = Traffic(msgspec.structs.replace(TRAFFIC, seed=seed), end_ms=ended_ms + TAIL_MS)
        self.catalogue = [keyed(card) for card in traffic.catalogue]
        self._good = [keyed(event) for event in traffic.events(min(count, 40_000))]

    def records(self) -> Iterator[Produced]:
        """The catalogue, the mutated records, and events that close the books."""
        for card in self.catalogue:
            yield Produced(card.topic, card.key, card.value)
        for number in range(self._count):
            good = self._good[number % len(self._good)]
            value = good.value.replace(b'"event_id":"', b'"event_id":"%d.' % number, 1)
            yield self._noted(self._mutated(Produced(good.topic, good.key, value, timestamp_ms=self.now_ms)))
        for event in clocks(self._partitions, self.now_ms):
            it = keyed(event)
            yield self._noted(Produced(it.topic, it.key, it.value, timestamp_ms=self.now_ms))

    def _mutated(self, good: Produced) -> Produced:
        """Corrupt the value or the metadata, occasionally both."""
        kind, record, share = "", good, self._random.random()
        if share < VALUES_SHARE:
            kind, spoiled_value = mutated(good.value or b"", self._random)
            record = good._replace(value=spoiled_value)
        if share > 1.0 - ENVELOPES_SHARE:
            beside, record = spoiled(record, self._random)
            kind = f"{kind} {beside}".strip()
        self.by_kind[kind] += 1
        return record

    def _noted(self, record: Produced) -> Produced:
        """Choose the partition, and determine the expected result."""
        right = None if record.key is None else partition_of(record.key, self._partitions)
        partition = right or 0 if record.partition is None else record.partition
        source = (record.topic, partition)
        reason = _reason(record, self.now_ms)
        if reason is None and partition != right:
            reason = "wrong_partition"
        self.expected[*source, self._offsets[source]] = reason
        self._offsets[source] += 1
        return record._replace(partition=partition)


def bench_mutations(settings: Settings, backend: Backend, *, count: int, seed: int) -> dict[str, Any]:
    """Send `count` mutated messages through a worker; `passed` if each has the expected result."""
    with broker_for(backend, settings.broker) as bootstrap:
        ensure(settings, bootstrap)
        mutations = Mutations(count, seed, settings)
        written = asyncio.run(fill_raw(bootstrap, mutations.records()))
        inputs = sum(written[topic] for topic in INPUTS)
        told = worked_off(bootstrap, inputs=inputs, environment=ENVIRONMENT)
        found = asyncio.run(audit(bootstrap, audit_rules(settings), topics=SETTLEMENT_TOPICS))
        letters = asyncio.run(_letters(bootstrap))
    expected = mutations.expected
    wrong = [place for place, reason in expected.items() if letters.get(place, []) != ([reason] if reason else [])]
    strangers = letters.keys() - expected.keys()
    valid = sum(reason is None for reason in expected.values())
    dead = sum(map(len, letters.values()))
    return {
        "benchmark": "mutations",
        "passed": found.holds and not wrong and not strangers and valid + dead == inputs,
        "seed": seed,
        "mutated": count,
        "by_kind": dict(mutations.by_kind.most_common()),
        "inputs": inputs,
        "valid": valid,
        "dead_letters": dead,
        "dead_letters_by_reason": dict(Counter(reason for some in letters.values() for reason in some).most_common()),
        "wrongly_judged": [f"{place} {expected[place]} {letters.get(place)}" for place in wrong[:10]],
        "wrongly_judged_count": len(wrong) + len(strangers),
        "events_per_second": told["events_per_second"],
        "audit": msgspec.to_builtins(found),
    }


def _reason(record: Produced, now_ms: int) -> str | None:
    stamp_ms = record.timestamp_ms or 0
    try:
        read_one(record.topic, record.key, record.value, stamp_ms if 0 < stamp_ms < now_ms else now_ms)
    except UnreadableError as error:
        return error.reason
    return None


async def _letters(bootstrap: str) -> dict[Place, list[str]]:
    letters: dict[Place, list[str]] = defaultdict(list)
    for topic in INPUTS:
        async for record in read_records(bootstrap, topic + ".dlq"):
            why = DeadLetter.from_headers(record.headers)
            letters[topic, why.partition, why.offset].append(why.reason)
    return letters
