"""A checked build sees each access by address that leaves its array, and each index that does."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

BEGIN = """
import json
import numpy as np
from processors.compiled import borrowing
from processors.wire.checked_memory import violations
from processors.wire.loads import address_of, byte_at, number_at, put

@borrowing
def load(array, at):
    return number_at(address_of(array), at)

@borrowing
def load_byte(array, at):
    return byte_at(address_of(array), at)

@borrowing
def store(array, at):
    return put(address_of(array), at, 9)

@borrowing
def at_index(array, index):
    return array[index]

numbers, told = np.arange(4), []
"""
END = "\nprint(json.dumps(told))"

READING = """
from processors.wire import arena, shredding
from processors.wire.batch import Batch, Column
from processors.wire.reader import Reader
from schemas.stream_ends import StreamEnd
arena.SURPLUS, shredding.SURPLUS = {surplus}, {surplus}
value = b'{{"type":"stream-end.v1","event_id":"s","user_id":"u","card_id":"c","started_ms":0,"event_ms":7,'
value += b'"played_ms":5}}'
column, reader = Column.of(60 * [value]), Reader(StreamEnd, keep=["event_ms"])
untrusted = np.zeros(60, dtype=bool)
reader.read(Batch.of(column, Column.none(60), np.zeros(60, dtype=np.int64), untrusted, reader.texts))
told.append(violations().seen)
"""

WRITING = """
from processors.wire.values import Texts, lists, texts, truths, wholes
from processors.wire.column_writer import Writer
from schemas.interactions import ListenerForgotten
users = Texts.of(["u1", "u2"])
for starts in (users.starts, users.starts[:1].copy()):
    named = users._replace(starts=starts, ends=users.ends[: len(starts)].copy())
    Writer(ListenerForgotten).write(2, {"source": texts(users), "user_id": texts(named)})
    told.append(violations().seen)
"""


def told_by(script: str) -> Any:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1"}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script + END], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def test_loads_and_stores_are_seen_where_they_leave_the_array() -> None:
    script = """
words, bytes_ = ((load, 24), (load, 25), (load, 32), (load, -1)), ((load_byte, 31), (load_byte, 32))
for access, at in (*words, *bytes_, (store, 24), (store, 32)):
    access(numbers, at)
    seen = violations()
    told.append([seen.seen, seen.size, seen.beyond if at > 0 else None])
assert numbers.tolist() == [0, 1, 2, 9]
"""
    seen = told_by(script)
    assert [one[0] for one in seen] == [0, 1, 1, 1, 0, 1, 0, 1]
    assert seen[1:3] == [[1, 8, -7], [1, 8, 0]]


def test_an_index_beyond_the_array_is_an_error() -> None:
    script = """
try:
    at_index(numbers, 4)
except IndexError as error:
    told.append(str(error))
"""
    assert told_by(script) == ["index is out of bounds"]


@pytest.mark.slow
@pytest.mark.parametrize(("surplus", "is_seen"), [(4, False), (-40, True)])
def test_a_reader_that_makes_too_little_room_is_seen(surplus: int, is_seen: bool) -> None:
    assert [bool(seen) for seen in told_by(READING.format(surplus=surplus))] == [is_seen]


@pytest.mark.slow
def test_a_column_that_is_too_short_for_its_writer_is_seen() -> None:
    correct, short = told_by(WRITING)
    assert (correct, short > 0) == (0, True)
