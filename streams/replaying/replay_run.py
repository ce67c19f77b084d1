"""Sends the events of a file to the topics, starts a worker if none runs, and accounts for the results."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from processors.telling import Tell, nobody
from schemas.catalogue import CatalogueCard
from schemas.codec import decode, encode
from schemas.impressions import Impression
from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.findings import Audit
from streams.auditing.reading import read_committed
from streams.connections import aiokafka_options
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.publishing import Publisher
from streams.replaying.account import Account, Books, Event, Present, count_cards, count_dead_letters
from streams.replaying.closing import Closing, closing_of
from streams.settings import Settings
from streams.worker_process import WorkerProcess

PATIENCE_S = 300.0
"""Timeout without new output; generous, because a worker is silent for minutes while it compiles."""
LEARNING_S = 120.0
"""Timeout for the first co-clusters."""
CLOCKS = 64


class ReplayFile(Struct, frozen=True, kw_only=True):
    """Content of a file: cards, events in order, and the number of refused rows by reason.

    Without a `row_count`, each page was a row, or each event where there are no pages, and each refused one. If a file
    has only item ids, its cards are invented; cards that are in the catalogue already are kept.
    """

    cards: Sequence[CatalogueCard]
    events: Sequence[Event]
    rejected: Mapping[str, int]
    cards_are_made_up: bool = False
    row_count: int | None = None


class ReplayResult(Struct, frozen=True, kw_only=True):
    """Input and output of this file; `adds_up` says whether every row is accounted for.

    `already_there` counts events of the file that were in the topics before and were not sent again. `co_clusters` and
    `audit` cover everything in the topics.
    """

    rows: int
    rejected: dict[str, int]
    already_there: int
    impressions: int
    stream_ends: int
    events_per_second: float
    outcomes: int
    streamed: int
    interactions: int
    rankings: int
    cards_with_statistics: int
    co_clusters: dict[str, Any]
    dead_letters: int
    adds_up: bool
    audit: Audit


async def send(
    bootstrap: str, cards: Iterable[CatalogueCard], events: Iterable[Event], *, tell: Tell = nobody, **options: Any
) -> Counter[str]:
    """Publish cards and events in order; returns the number per topic. `options` are aiokafka's own."""
    sent: Counter[str] = Counter()
    async with Publisher(bootstrap, **options) as publisher:
        for card in cards:
            await publisher.publish("catalogue", card.card_id, encode(card))
            sent["catalogue"] += 1
        await publisher.flush()
        for number, event in enumerate(events, start=1):
            topic = "impressions" if isinstance(event, Impression) else "stream-ends"
            await publisher.publish(topic, event.user_id, encode(event), event_ms=event.event_ms)
            sent[topic] += 1
            tell("events sent", number)
        await publisher.flush()
        sent["newest_ms"] = publisher.newest_ms
    return sent


async def close_books(bootstrap: str, newest_ms: int, settings: Settings, **options: Any) -> None:
    """Advance event time in every partition, so that all exposures settle. `options` are aiokafka's own."""
    end_ms = newest_ms + settings.settlement.horizon_ms + 2 * settings.settlement.lateness_ms
    async with Publisher(bootstrap, **options) as publisher:
        for number in range(CLOCKS):
            name = f"end-{end_ms}-{number}"  # another file ends with another event, not a duplicate
            clock = Impression(event_id=name, user_id=f"clock-{number}", event_ms=end_ms, shelves=())
            await publisher.publish("impressions", clock.user_id, encode(clock))


class Replay:
    """One replay; `present` is the content of the topics before it."""

    def __init__(self, bootstrap: str, settings: Settings, file: ReplayFile, present: Present) -> None:
        self._bootstrap, self._settings = bootstrap, settings
        self._options = aiokafka_options(settings, bootstrap)
        del self._options["bootstrap_servers"]
        self._file, self._present = file, present
        self._books = Books(file.events, users_are_sampled=settings.sample_share < 1.0)
        self._new = [event for event in file.events if (event.user_id, event.event_id) not in present.names]

    @property
    def oldest_ms(self) -> int:
        """Time of the first event that is not in the topics yet; their present end if there is none."""
        return min((event.event_ms for event in self._new), default=self._present.newest_ms)

    async def run(
        self, arguments: Sequence[str] = (), tell: Tell = nobody, say: Callable[[str], None] = lambda _: None
    ) -> ReplayResult:
        """Send missing events, and wait until the whole file has been processed.

        `arguments` are additional ones of the worker. A file that was processed before changes nothing. If it must
        wait, it first says for what, and until when.
        """
        account = await self._balanced()
        started_s = time.monotonic()
        if self._new or not account.is_complete:
            closing = closing_of(self._file.events, self._settings, wall_clock_ms())
            for line in closing.said(wall_clock_ms()):
                say(line)
            await send(self._bootstrap, await self._new_cards(), self._new, tell=tell, **self._options)
            with tempfile.TemporaryDirectory(prefix="shelfwise-replay-") as folder:
                log = Path(folder) / "worker.log"
                environment = {"SHELFWISE_SETTLEMENT__IDLE_MS": "2000"}
                with WorkerProcess(self._bootstrap, environment, log, arguments) as worker:
                    await self._until(closing, worker, tell)
                    await close_books(self._bootstrap, closing.newest_ms, self._settings, **self._options)
                    account = await self._come_out(worker, tell)
                    seconds = time.monotonic() - started_s
                    await self._learned(account, worker)
            return await self._result(account, len(self._new) / seconds)
        return await self._result(account, 0.0)

    async def _until(self, closing: Closing, worker: WorkerProcess, tell: Tell) -> None:
        """Wait until everything can settle, because event time never passes the clock."""
        whole_ms = closing.waits_ms(wall_clock_ms())
        while (left_ms := closing.waits_ms(wall_clock_ms())) > 0:
            worker.refuse_if_dead()
            tell("seconds until all can settle", (whole_ms - left_ms) // 1_000, whole_ms // 1_000)
            await asyncio.sleep(min(1.0, left_ms / 1_000))

    async def _new_cards(self) -> list[CatalogueCard]:
        known: dict[bytes | None, bytes | None] = {}
        if self._file.cards_are_made_up:
            known = dict(await read_committed(self._bootstrap, "catalogue", self._options))
        return [card for card in self._file.cards if known.get(card.card_id.encode()) is None]

    async def _come_out(self, worker: WorkerProcess, tell: Tell) -> Account:
        seen, since_s = -1, time.monotonic()
        while True:
            worker.refuse_if_dead()
            account = await self._balanced()
            done = account.settled + account.interactions
            tell("exposures and streams settled", done, account.exposures + account.streams)
            if done > seen:
                seen, since_s = done, time.monotonic()
            if account.is_complete or time.monotonic() - since_s > PATIENCE_S:
                return account
            await asyncio.sleep(1.0)

    async def _learned(self, account: Account, worker: WorkerProcess) -> None:
        """Wait until co-clusters have been published, if there is enough to learn them from."""
        deadline_s = time.monotonic() + LEARNING_S
        is_enough = account.interactions >= self._settings.coclusters.warmup_events
        while is_enough and not await self._co_clusters() and time.monotonic() < deadline_s:
            worker.refuse_if_dead()
            await asyncio.sleep(1.0)
        await asyncio.sleep(2.0 * self._settings.publish_interval_ms / 1_000)

    async def _balanced(self) -> Account:
        return await self._books.balanced(self._bootstrap, self._options)

    async def _result(self, account: Account, events_per_second: float) -> ReplayResult:
        """The result of this file; if nothing else is in the topics, the audit of everything must pass too."""
        is_alone = not self._present.names
        rules = audit_rules(self._settings, closed=is_alone)
        found = await audit(self._bootstrap, rules, topics=SETTLEMENT_TOPICS, options=self._options)
        sent = Counter("impressions" if isinstance(event, Impression) else "stream-ends" for event in self._new)
        file = self._file
        of_rows = [event for event in file.events if isinstance(event, Impression)] or file.events
        return ReplayResult(
            rows=len(of_rows) + sum(file.rejected.values()) if file.row_count is None else file.row_count,
            rejected=dict(file.rejected),
            already_there=len(file.events) - len(self._new),
            impressions=sent["impressions"],
            stream_ends=sent["stream-ends"],
            events_per_second=round(events_per_second, 1),
            outcomes=account.settled,
            streamed=account.streamed,
            interactions=account.interactions,
            rankings=await self._books.count_rankings(self._bootstrap, self._options),
            cards_with_statistics=await count_cards(self._bootstrap, file.cards, self._options),
            co_clusters=await self._co_clusters(),
            dead_letters=await count_dead_letters(self._bootstrap, self._options) - self._present.dead_letters,
            adds_up=account.adds_up and (found.holds or not is_alone),
            audit=found,
        )

    async def _co_clusters(self) -> dict[str, Any]:
        models = await read_committed(self._bootstrap, "co-clusters", self._options)
        if not models:
            return {}
        model = decode("co-clusters", models[-1][1])
        fields = ("generation", "version", "user_prior", "card_prior", "thresholds_s")
        return {name: getattr(model, name) for name in fields}
