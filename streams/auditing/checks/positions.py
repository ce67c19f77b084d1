"""Every transaction of a task begins where the last one ended: no input is processed twice or skipped."""

from collections.abc import Iterator, Mapping

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def positions_broken(books: Books, _: Recomputed) -> Iterator[str]:
    """Transactions that do not begin where the previous one ended, by task and offsets.

    Compaction leaves gaps in their numbers; after a gap, a transaction must not begin before the last known end.
    """
    for (topic, partition), positions in sorted(books.positions.items()):
        task = f"{topic.removesuffix('-state')}-{partition}"
        number, ends = -1, dict[str, int]()
        for position in positions:
            if position.transaction <= number:
                yield f"{task}: transaction {position.transaction} was committed after transaction {number}"
            elif position.transaction == number + 1:
                yield from _apart(f"{task}: transaction {position.transaction}", position.inputs, ends, partition)
            else:
                overlap = {name: it for name, it in position.inputs.items() if it[0] < ends.get(name, 0)}
                yield from _apart(f"{task}: transaction {position.transaction}", overlap, ends, partition)
            number, ends = position.transaction, {name: end for name, (_, end) in position.inputs.items()}


def _apart(who: str, inputs: Mapping[str, tuple[int, int]], ends: Mapping[str, int], partition: int) -> Iterator[str]:
    for name, (start, _) in sorted(inputs.items()):
        end = ends.get(name, start)
        if start < end:
            yield f"{who} begins at {name}-{partition} offset {start}: {start} to {end - 1} count twice"
        elif start > end:
            yield f"{who} begins at {name}-{partition} offset {start}: {end} to {start - 1} were not processed"
