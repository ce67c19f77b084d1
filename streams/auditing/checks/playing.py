"""What was streamed of every exposure is what its streams say, settled and corrected step by step."""

from collections.abc import Iterator
from itertools import pairwise

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def corrections_broken(books: Books, _: Recomputed) -> Iterator[str]:
    """Corrections that do not begin where the last outcome ended, or that one stream made twice."""
    for exposure, corrections in books.corrected.items():
        steps = sorted(corrections, key=lambda step: step.stream_count)
        reached = [*books.settled.get(exposure, ())[:1], *steps]
        for before, after in pairwise(reached):
            if (after.previous_ms, after.stream_count) != (before.played_ms, before.stream_count + 1):
                yield f"{exposure}: {before.played_ms} ms, then from {after.previous_ms} to {after.played_ms} ms"
        if len({step.stream_event_id for step in steps}) != len(steps):
            yield f"{exposure} is corrected twice by one stream"


def played_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Exposures whose last outcome is not the sum of their streams.

    Streams that may still wait for event time may be in or not. Where events came later than the allowed lateness
    (the pipeline counts them) the join may differ: that many cases are excused.
    """
    excused = books.counters["streams_late"] + books.counters["impressions_late"] + books.counters["streams_too_late"]
    for exposure, settled in books.settled.items():
        last = max([*settled, *books.corrected.get(exposure, ())], key=lambda outcome: outcome.stream_count)
        streams = recomputed.streams_of.get(exposure, ())
        sure = [stream for stream in streams if recomputed.is_due(stream.user_id, stream.event_ms)]
        least, most = sum(stream.played_ms for stream in sure), sum(stream.played_ms for stream in streams)
        if least <= last.played_ms <= most and len(sure) <= last.stream_count <= len(streams):
            continue
        if excused > 0:
            excused -= 1
            continue
        yield f"{exposure}: {last.played_ms} ms in {last.stream_count} streams, not {most} ms in {len(streams)}"


def settled_early(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Outcomes that did not settle at their horizon, or with other than what had been streamed by then."""
    excused = books.counters["streams_late"] + books.counters["impressions_late"] + books.counters["exposures_evicted"]
    for exposure, settled in books.settled.items():
        horizon_ms = settled[0].shown_ms + recomputed.rules.horizon_ms
        streams = [s for s in recomputed.streams_of.get(exposure, ()) if s.event_ms <= horizon_ms]
        played_ms = sum(stream.played_ms for stream in streams)
        if settled[0].settled_ms == horizon_ms and settled[0].played_ms == played_ms:
            continue
        if excused > 0:
            excused -= 1
            continue
        yield f"{exposure}: {settled[0].played_ms} ms at {settled[0].settled_ms}, not {played_ms} ms at {horizon_ms}"
