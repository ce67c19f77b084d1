"""Runs an audit of a cluster: reads its topics, committed only, and judges."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streams.auditing.books import INPUTS, LETTERS, READING_ORDER, Books
from streams.auditing.findings import Audit
from streams.auditing.judging import judged
from streams.auditing.reading import read_records
from streams.auditing.settlement_rules import AuditRules

TELL_EVERY = 1_000
SETTLEMENT_TOPICS = (*LETTERS, *INPUTS, "outcomes", "interactions", "engagement")
"""A quick audit: enough to see that every exposure settled once and no stream was lost."""


async def audit(
    bootstrap: str,
    rules: AuditRules,
    *,
    topics: Iterable[str] = READING_ORDER,
    options: Mapping[str, Any] | None = None,
    tell: Callable[[str, float], None] = lambda _what, _count: None,
) -> Audit:
    """Audit these topics; checks that need others are omitted.

    Outputs follow inputs with a delay: an audit of a running pipeline reports pending work as missing. Wait until it is
    idle, or stop it. `options` are aiokafka's own; `tell` is called with the number of records read of each topic.
    """
    wanted = set(topics)
    books = Books()
    for topic in READING_ORDER:
        if topic in wanted:
            books.topics.add(topic)
            count = 0
            async for record in read_records(bootstrap, topic, options):
                books.take(record)
                count += 1
                if count % TELL_EVERY == 0:
                    tell(f"records of {topic} read", count)
    tell("judging, records", len(books.impressions) + len(books.streams))
    return judged(books, rules)
