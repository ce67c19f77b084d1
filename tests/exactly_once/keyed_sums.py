"""A toy task: sums numbers by key, and writes one output per input that says where it came from."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record
from streams.exactly_once.task import TaskSpec


class KeyedSums:
    """Inputs are numbers in ASCII; a broadcast record under the key b"bonus" adds to each of them."""

    def __init__(self, prefix: str, *, with_ticks: bool = False) -> None:
        self.prefix = prefix
        self.with_ticks = with_ticks
        self.sums: dict[bytes, int] = {}
        self.dirty: set[bytes] = set()
        self.bonus = 0
        self.bonus_at_first_batch: int | None = None

    def restore(self, rows: Iterable[StateRow]) -> None:
        self.sums = {row.key: int(row.value or b"0") for row in rows}

    def broadcast(self, topic: str, records: Sequence[Record]) -> Iterable[Produced]:
        for record in records:
            if record.key == b"bonus":
                self.bonus = int(record.value or b"0")
                yield Produced(f"{self.prefix}-echo", b"bonus", str(self.bonus).encode())

    def process(self, topic: str, records: Sequence[Record]) -> Iterator[Produced]:
        for record in records:
            assert record.key is not None
            if record.value == b"poison":
                raise ZeroDivisionError("a bug of the task")
            total = self.sums.get(record.key, 0) + int(record.value or b"0") + self.bonus
            self.sums[record.key] = total
            self.dirty.add(record.key)
            told = f"{topic} {record.partition} {record.offset} {total}".encode()
            yield Produced(f"{self.prefix}-outputs", record.key, told, (("from", topic.encode()),))

    def tick(self, now_ms: int, behind: Collection[str]) -> Iterable[Produced]:
        if self.with_ticks:
            yield Produced(f"{self.prefix}-ticks", None, str(now_ms).encode())

    def conclude(self) -> Iterable[Produced]:
        return ()

    def changed(self) -> Iterable[StateRow]:
        rows = [StateRow(key, str(self.sums[key]).encode()) for key in sorted(self.dirty)]
        self.dirty.clear()
        return rows


def sums_spec(
    prefix: str,
    *,
    broadcasts: bool = False,
    with_ticks: bool = False,
    state_format: int = 1,
    make: Callable[[int], KeyedSums] | None = None,
) -> TaskSpec:
    return TaskSpec(
        name=f"{prefix}-sums",
        inputs=(f"{prefix}-left", f"{prefix}-right"),
        state_topic=f"{prefix}-state",
        broadcasts=(f"{prefix}-bonus",) if broadcasts else (),
        make=make or (lambda partition: KeyedSums(prefix, with_ticks=with_ticks)),
        tick_interval_ms=50,
        state_format=state_format,
    )
