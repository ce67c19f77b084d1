"""One history played through the loop without Kafka, and a digest of every byte that follows from it.

`python -m tests.history_digest [HOURS]`: before and after a change that is to change nothing.
"""

import sys
from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from msgspec import Struct

from processors.wire.impressions import read_impressions
from processors.wire.stream_ends import read_stream_ends
from schemas.codec import encode
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from tests.pure_loop import PureLoop
from tests.test_loop import loop


def play(hours: int) -> dict[str, str]:
    """Play so long, events read from their bytes as a worker reads them, and digest outputs and rows of state."""
    played, digests = loop(3), {name: sha256() for name in ("messages", "rows")}
    _read_from_bytes(played)
    route = played._route  # noqa: SLF001  all that follows passes there

    def watched(messages: Iterable[Struct]) -> None:
        listed = list(messages)
        for message in listed:
            digests["messages"].update(encode(message) + b"\n")
        route(listed)

    played._route = watched  # type: ignore[method-assign]  # noqa: SLF001
    for _ in range(60 * hours):
        played.step()
        for core in (played.listeners, played.cards, played.learner):
            for key, value in core.changed_rows():
                digests["rows"].update(
                    b"%d %d " % (len(key), -1 if value is None else len(value)) + key + (value or b"")
                )
    return {name: digest.hexdigest()[:24] for name, digest in digests.items()}


def _read_from_bytes(played: PureLoop) -> None:
    """Let the listeners read what a client sends."""
    listeners = played.listeners

    def impressions(arrivals: Iterable[tuple[int, Impression]]) -> None:
        events = [event for _, event in arrivals]
        listeners.take_impressions(read_impressions(*_records(events), _nothing), np.zeros(len(events), dtype=np.int64))

    def stream_ends(arrivals: Iterable[tuple[int, StreamEnd]]) -> None:
        events = [event for _, event in arrivals]
        listeners.take_stream_ends(read_stream_ends(*_records(events), _nothing), np.zeros(len(events), dtype=np.int64))

    listeners.impressions, listeners.stream_ends = impressions, stream_ends  # type: ignore[method-assign]


def _records(events: Iterable[Impression | StreamEnd]) -> tuple[list[bytes], list[bytes], np.ndarray]:
    listed = list(events)
    values, keys = [encode(event) for event in listed], [event.user_id.encode() for event in listed]
    return values, keys, np.zeros(len(listed), dtype=np.int64)


def _nothing(index: int) -> bytes | None:
    raise AssertionError(f"record {index} was declined")


if __name__ == "__main__":
    for name, digest in play(int(sys.argv[1]) if len(sys.argv) > 1 else 2).items():
        print(f"{name:9} {digest}")
