"""All topics of a broker are looked through; a ranking of a surface that nobody ranks for any more is withdrawn."""

import asyncio

from schemas.topics import TOPICS
from streams.benchmarks.raw_filling import fill_raw
from streams.broker.embedded import EmbeddedBroker
from streams.exactly_once.records.produced import Produced
from streams.forgetting.asking import ask, ask_and_wait
from streams.forgetting.scanning import look, scan_topics
from streams.settings import Settings
from streams.topics.admin import ensure


def test_what_is_there_is_found_and_what_nobody_writes_any_more_withdrawn() -> None:
    with EmbeddedBroker() as broker:
        ensure(Settings(), broker.bootstrap)
        written = [
            Produced("shelf-rankings", b"goes@old", b'{"user_id":"goes"}'),
            Produced("shelf-rankings", b"goes@search", b'{"user_id":"goes"}'),
            Produced("shelf-rankings", b"goes", None),
            Produced("shelf-rankings", b"stays@old", b'{"user_id":"stays"}'),
            Produced("learner-state", b"u/1", b"goes"),
            Produced("outcomes", b"card", b'{"user_id":["goes"]}'),
        ]
        asyncio.run(fill_raw(broker.bootstrap, written))
        found, withdrawn = asyncio.run(look(broker.bootstrap, "goes", {"home", "search"}, {}))
        assert withdrawn == ["goes@old"]
        kept = {one.topic: one.where for one in found if one.kept}
        assert kept == {"shelf-rankings": (b"goes@search",), "learner-state": (b"u/1",)}
        leaving = {one.topic: one.leaving for one in found if one.leaving}
        assert leaving == {"shelf-rankings": 3, "outcomes": 1}
        assert [one.topic for one in found] == list(TOPICS)
        assert sum(one.kept for one in asyncio.run(scan_topics(broker.bootstrap, ["stays", "nobody"]))) == 1


def test_without_a_worker_the_request_stays_and_it_is_said_who_is_waited_for() -> None:
    with EmbeddedBroker() as broker:
        ensure(Settings(), broker.bootstrap)
        assert asyncio.run(ask(broker.bootstrap, "goes", {})) == {"impressions": 0, "stream-ends": 0}
        waits_for = asyncio.run(ask_and_wait(broker.bootstrap, "goes", 1.0, {}))
        assert waits_for is not None
        assert waits_for.startswith("the listeners task of partition")
        (asked,) = [one for one in asyncio.run(scan_topics(broker.bootstrap, ["goes"])) if one.topic == "impressions"]
        assert (asked.records, asked.leaving) == (2, 2)
