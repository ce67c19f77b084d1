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
"""Enough to see that every exposure settled once and no stream was lost: quick to read, good to wait for."""


async def audit(
    bootstrap: str,
    rules: AuditRules,
    *,
    topics: Iterable[str] = READING_ORDER,
    options: Mapping[str, Any] | None = None,
    tell: Callable[[str, float], None] = lambda _what, _count: None,
) -> Audit:
    """Audit what lies in these topics; checks that would need others are left out.

    Outputs follow inputs with a delay: an audit of a pipeline at work finds what is under way missing. Let it come to
    rest, or stop it, first. `options` are aiokafka's own; `tell` is told how many records of a topic have been read.
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
