"""Runs the demo: broker, worker, traffic, view, and at the end the report."""

import asyncio
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from rich.console import Console
from rich.live import Live

from schemas.codec import encode
from schemas.rankings import ShelfRanking
from streams.audit_rules import audit_rules
from streams.auditing.audit import SETTLEMENT_TOPICS, audit
from streams.auditing.reading import read_committed
from streams.compiling.before_start import compile_ahead
from streams.configuration_error import ConfigurationError
from streams.demo import view
from streams.demo.demo_settings import DemoSettings
from streams.demo.demo_traffic import Traffic
from streams.demo.report import Report, make_report
from streams.demo.watcher import Watcher
from streams.publishing import Publisher
from streams.settings import Settings
from streams.subscribers import AsyncRankingSubscriber
from streams.topics.admin import ensure, is_group_stable
from streams.worker_process import WorkerEndedError, WorkerProcess

SETTLE_DEADLINE_S = 60.0
LINE_EVERY_S = 5.0
STILL_DEADLINE_S = 120.0
"""A worker without output for this long is stuck."""


async def run_demo(demo: DemoSettings, settings: Settings, bootstrap: str, console: Console) -> Report:
    """Play the demo on a broker; missing topics are created."""
    await asyncio.to_thread(ensure, settings, bootstrap)
    await compile_ahead(settings.tasks, console)
    with tempfile.TemporaryDirectory(prefix="shelfwise-demo-") as folder:
        log = Path(folder) / "worker.log"
        async with Publisher(bootstrap) as publisher, AsyncRankingSubscriber(bootstrap) as subscriber:
            traffic = Traffic(demo, publisher, subscriber)
            await _refuse_other_cards(bootstrap, traffic)
            with WorkerProcess(bootstrap, demo.worker_environment, log) as worker:
                watcher = Watcher(bootstrap, settings.group)
                watching = asyncio.create_task(watcher.run(), name="watcher")
                try:
                    for card in traffic.catalogue():
                        await publisher.publish("catalogue", card.card_id, encode(card))
                    await publisher.flush()
                    await _wait_until_working(bootstrap, settings, worker)
                    await _show(traffic, watcher, worker, console)
                    await traffic.close_books(settings.settlement.horizon_ms + 2 * settings.settlement.lateness_ms)
                    await _wait_until_settled(bootstrap, settings, worker)
                    return await make_report(bootstrap, traffic, watcher, audit_rules(settings, closed=True))
                finally:
                    watching.cancel()
                    await asyncio.wait([watching])


async def _refuse_other_cards(bootstrap: str, traffic: Traffic) -> None:
    """Raise `ConfigurationError` if rankings would show cards that the demo's listeners do not know."""
    own = {card.card_id.encode() for card in traffic.catalogue()}
    others = [key for key, card in await read_committed(bootstrap, "catalogue") if card is not None and key not in own]
    if others:
        name = (others[0] or b"").decode(errors="replace")
        raise ConfigurationError(f"the catalogue has other cards than the demo's, like {name!r}: use another broker")


async def _wait_until_working(bootstrap: str, settings: Settings, worker: WorkerProcess) -> None:
    """Wait until the worker has its partitions, as long as it is alive and makes progress, and show what it does."""
    told, told_s = "", time.monotonic()
    while not await asyncio.to_thread(is_group_stable, settings, bootstrap):
        worker.refuse_if_dead()
        line = worker.last_line()
        if line != told:
            told, told_s = line, time.monotonic()
            print(f"the worker starts: {line}", file=sys.stderr, flush=True)  # noqa: T201  progress
        elif time.monotonic() - told_s > STILL_DEADLINE_S:
            raise WorkerEndedError(f"the worker made no progress for {STILL_DEADLINE_S:.0f} s; it last said: {told}")
        await asyncio.sleep(0.3)


async def _show(traffic: Traffic, watcher: Watcher, worker: WorkerProcess, console: Console) -> None:
    playing = asyncio.create_task(traffic.run(), name="traffic")
    live = Live(console=console, refresh_per_second=4, transient=False) if console.is_terminal else None
    recent: deque[tuple[float, int]] = deque(maxlen=8)
    lined_s, has_ranked = time.monotonic(), False
    if live:
        live.start()
    try:
        while not playing.done():
            await asyncio.wait([playing], timeout=0.5)
            worker.refuse_if_dead()
            recent.append((time.monotonic(), traffic.events_count))
            rate = _rate(recent)
            if live:
                live.update(view.render(traffic, watcher, _newest_ranking(traffic), rate))
            elif traffic.latencies_s and not has_ranked:
                has_ranked = True
                print("the first ranking is there", file=sys.stderr, flush=True)  # noqa: T201  progress
            elif time.monotonic() - lined_s >= LINE_EVERY_S:
                lined_s = time.monotonic()
                print(view.line(traffic, watcher, rate), file=sys.stderr, flush=True)  # noqa: T201  progress
    finally:
        if live:
            live.stop()
        playing.cancel()
    playing.result()


def _rate(recent: "deque[tuple[float, int]]") -> float:
    (from_s, from_count), (to_s, to_count) = recent[0], recent[-1]
    return (to_count - from_count) / (to_s - from_s) if to_s > from_s else 0.0


def _newest_ranking(traffic: Traffic) -> ShelfRanking | None:
    found = traffic.subscriber.get("nobody in particular")
    return found.ranking if found else None


async def _wait_until_settled(bootstrap: str, settings: Settings, worker: WorkerProcess) -> None:
    """Wait until the audit passes, or until no more output arrives."""
    deadline_s = time.monotonic() + SETTLE_DEADLINE_S
    while time.monotonic() < deadline_s:
        worker.refuse_if_dead()
        found = await audit(bootstrap, audit_rules(settings, closed=True), topics=SETTLEMENT_TOPICS)
        if found.holds:
            return
        await asyncio.sleep(1.0)
