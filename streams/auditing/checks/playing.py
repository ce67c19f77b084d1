"""The streamed time of each exposure equals that of its streams, settled and corrected step by step."""

from collections.abc import Iterator
from itertools import pairwise

from streams.auditing.books import Books
from streams.auditing.checks.excuses import Wrong, unexcused
from streams.auditing.own_messages import PlayingRead
from streams.auditing.recomputed import Recomputed, streamed


def corrections_broken(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Corrections that do not continue the last outcome, or that one record caused twice.

    Each is one stream more, or, where a stream was still playing, more of the same.
    """
    for exposure, corrections in books.corrected.items():
        if exposure[0] in books.forgotten:
            continue
        steps = sorted(corrections, key=lambda step: step.step)
        may_go_on = any(isinstance(record, PlayingRead) for record in recomputed.heard_of.get(exposure, ()))
        reached = [*books.settled.get(exposure, ())[:1], *steps]
        for before, after in pairwise(reached):
            goes_on = may_go_on and after.stream_count == before.stream_count and after.played_ms > before.played_ms
            is_next = goes_on or after.stream_count == before.stream_count + 1
            if after.previous_ms != before.played_ms or not is_next:
                yield f"{exposure}: {before.played_ms} ms, then from {after.previous_ms} to {after.played_ms} ms"
        if len({step.stream_event_id for step in steps}) != len(steps):
            yield f"{exposure} is corrected twice by one stream"


def played_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Exposures whose last outcome is not the sum of their streams.

    Streams that may still wait for event time may or may not be included. If events were later than the allowed
    lateness (counted by the pipeline), the join may differ by what they explain.
    """
    counted = books.counters
    late_count = counted["streams_late"] + counted["impressions_late"] + counted["streams_too_late"]
    yield from unexcused(_played_wrong(books, recomputed), late_count)


def _played_wrong(books: Books, recomputed: Recomputed) -> Iterator[Wrong]:
    for exposure, settled in books.settled.items():
        if exposure[0] in books.forgotten:
            continue
        last = max([*settled, *books.corrected.get(exposure, ())], key=lambda outcome: outcome.step)
        records = recomputed.heard_of.get(exposure, ())
        due = [record for record in records if recomputed.is_due(record.user_id, record.event_ms)]
        sure, most = (streamed(some, longest_only=recomputed.rules.longest_only) for some in (due, records))
        is_time_right = sure.played_ms <= last.played_ms <= most.played_ms
        if is_time_right and sure.stream_count <= last.stream_count <= most.stream_count:
            continue
        told = f"{last.played_ms} ms in {last.stream_count} streams"
        case = f"{exposure}: {told}, not {most.played_ms} ms in {most.stream_count}"
        yield Wrong(exposure, last.card_id, last.stream_count < sure.stream_count, case)


def settled_early(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Outcomes that did not settle at their horizon, or not with the time streamed by then."""
    counted = books.counters
    late_count = counted["streams_late"] + counted["impressions_late"] + counted["exposures_evicted"]
    yield from unexcused(_settled_early(books, recomputed), late_count)


def _settled_early(books: Books, recomputed: Recomputed) -> Iterator[Wrong]:
    for exposure, settled in books.settled.items():
        if exposure[0] in books.forgotten:
            continue
        first = settled[0]
        horizon_ms = first.shown_ms + recomputed.rules.horizon_ms
        records = recomputed.heard_of.get(exposure, ())
        in_time = [record for record in records if record.event_ms <= horizon_ms]
        played_ms = streamed(in_time, longest_only=recomputed.rules.longest_only).played_ms
        if first.settled_ms == horizon_ms and first.played_ms == played_ms:
            continue
        case = f"{exposure}: {first.played_ms} ms at {first.settled_ms}, not {played_ms} ms at {horizon_ms}"
        yield Wrong(exposure, first.card_id, first.played_ms < played_ms, case)
