"""The streamed time of each exposure equals that of its streams, settled and corrected step by step."""

from collections.abc import Iterator
from itertools import pairwise

from streams.auditing.books import Books
from streams.auditing.checks.excuses import Wrong, unexcused
from streams.auditing.recomputed import Recomputed


def corrections_broken(books: Books, _: Recomputed) -> Iterator[str]:
    """Corrections that do not continue the last outcome, or that one stream caused twice."""
    for exposure, corrections in books.corrected.items():
        if exposure[0] in books.forgotten:
            continue
        steps = sorted(corrections, key=lambda step: step.stream_count)
        reached = [*books.settled.get(exposure, ())[:1], *steps]
        for before, after in pairwise(reached):
            if (after.previous_ms, after.stream_count) != (before.played_ms, before.stream_count + 1):
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
        last = max([*settled, *books.corrected.get(exposure, ())], key=lambda outcome: outcome.stream_count)
        streams = recomputed.streams_of.get(exposure, ())
        sure = [stream for stream in streams if recomputed.is_due(stream.user_id, stream.event_ms)]
        least, most = sum(stream.played_ms for stream in sure), sum(stream.played_ms for stream in streams)
        if least <= last.played_ms <= most and len(sure) <= last.stream_count <= len(streams):
            continue
        case = f"{exposure}: {last.played_ms} ms in {last.stream_count} streams, not {most} ms in {len(streams)}"
        yield Wrong(exposure, last.card_id, last.stream_count < len(sure), case)


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
        streams = [s for s in recomputed.streams_of.get(exposure, ()) if s.event_ms <= horizon_ms]
        played_ms = sum(stream.played_ms for stream in streams)
        if first.settled_ms == horizon_ms and first.played_ms == played_ms:
            continue
        case = f"{exposure}: {first.played_ms} ms at {first.settled_ms}, not {played_ms} ms at {horizon_ms}"
        yield Wrong(exposure, first.card_id, first.played_ms < played_ms, case)
