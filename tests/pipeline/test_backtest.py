"""A backtest of a cluster's own topics under the live configuration gives the live outcomes, byte for byte."""

import asyncio
from pathlib import Path

from schemas.codec import decode
from streams.auditing.audit import SETTLEMENT_TOPICS
from streams.auditing.books import EVIDENCE
from streams.backtesting.backtest import pipeline_of
from streams.backtesting.cluster_lines import cluster_lines
from streams.backtesting.comparing import encoded
from streams.backtesting.own_log import values_of_evidence
from streams.backtesting.replayed import Told, replay
from streams.broker.embedded import EmbeddedBroker
from streams.pinned_model import load_model
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings
from streams.topics.admin import ensure
from streams.worker_process import WorkerProcess
from tests.pipeline.conftest import ENVIRONMENT, audited, records, wait_for
from tests.pipeline.test_pinned import pinned_model
from tests.pipeline.test_pipeline import NOW_MS, traffic


def told_by(bootstrap: str) -> Told:
    told = Told()
    told.note(decode("outcomes", value) for _, value in records(bootstrap, "outcomes") if value)
    return told


def test_the_live_configuration_gives_the_live_outcomes_byte_for_byte(tmp_path: Path) -> None:
    model = pinned_model(tmp_path)
    home = traffic(pages=400, seed=8)
    events = home.events_until(NOW_MS + 10**10)
    environment = {**ENVIRONMENT, "SHELFWISE_LEADERBOARD__SHARE": "1.0"}
    with EmbeddedBroker() as broker:
        ensure(Settings(), broker.bootstrap)
        asyncio.run(send(broker.bootstrap, home.catalogue, events))
        asyncio.run(close_books(broker.bootstrap, max(event.event_ms for event in events), Settings()))
        with WorkerProcess(broker.bootstrap, environment, tmp_path / "worker.log", ["--pin-model", str(model)]):
            wait_for(lambda: audited(broker.bootstrap, SETTLEMENT_TOPICS).holds, "the audit to hold")
            wait_for(lambda: len(records(broker.bootstrap, "policy-values")) > 0, "values of candidates")
            wait_for(lambda: audited(broker.bootstrap, (*SETTLEMENT_TOPICS, *EVIDENCE)).holds, "its audit to hold")
        live = told_by(broker.bootstrap)
        lines = asyncio.run(cluster_lines(broker.bootstrap))
        values = values_of_evidence(Settings(), broker.bootstrap)
        published = {key: value for key, value in records(broker.bootstrap, "policy-values") if value}
    (again,) = replay(lines, [pipeline_of(Settings(), "live", load_model(model))])
    assert len(live.settled) > 2_000
    assert len(live.corrected) > 5
    assert sorted(encoded(again)) == sorted(encoded(live))
    assert any(outcome.credits for outcome in live.settled.values())
    assert any(outcome.logged.assignments for outcome in live.settled.values())
    assert {value.key.encode() for value in values} == published.keys()
    assert all(decode("policy-values", published[value.key.encode()]) == value for value in values)
