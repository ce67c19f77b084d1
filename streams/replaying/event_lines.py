"""JSON lines of our own messages, written by `simulate --out` and read by `replay events`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd, StreamPlaying
from schemas.whole_numbers import decoded
from streams.files.tables import REASON_CHARACTERS_MAX
from streams.files.text import lines_of

Line = CatalogueCard | Impression | StreamEnd | StreamPlaying


def read_lines(path: Path, rejected: Counter[str]) -> Iterator[Line]:
    """Messages of a file, one per line; other lines are counted in `rejected` by reason."""
    decoder = msgspec.json.Decoder(Line)
    for line in lines_of(path):
        if line.strip():
            try:
                yield decoded(decoder, line)
            except msgspec.MsgspecError as error:
                rejected[str(error)[:REASON_CHARACTERS_MAX]] += 1
            except RecursionError:
                rejected["JSON is nested too deeply"] += 1


def write_lines(path: Path, messages: Iterable[Line]) -> int:
    """Write messages, one per line; returns their number."""
    count = 0
    with path.open("wb") as file:
        for message in messages:
            file.write(msgspec.json.encode(message) + b"\n")
            count += 1
    return count
