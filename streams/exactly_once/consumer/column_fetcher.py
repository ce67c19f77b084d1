"""aiokafka's consumer, below its public API, returning columns instead of single records.

Theory of operation. aiokafka's fetcher sends requests, tracks positions, verifies checksums and skips control batches
and aborted records; all of that is unchanged. It unpacks each batch of a response into records. Here a batch unpacks
into one ``Piece``, and compiled code reads all pieces of a response together. To that end, a subclass replaces the
classes that two of the fetcher's methods refer to.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from typing_extensions import override

from streams.exactly_once.records.fetched_batches import FetchedBatches, Piece, read_pieces
from streams.exactly_once.records.read_records import Records
from streams.reading.renamed import renamed


class PartitionPieces(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's iteration over the batches of a response; yields pieces of the visible ones."""

    @override
    def _consumer_record(self, tp: Any, record: Piece) -> Piece:
        return record.beginning_at(self.next_fetch_offset)


class ColumnsResult(FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """The fetch result of one partition, in columns."""

    limit: int
    _partition_records: PartitionPieces | None

    @override
    def getall(self, max_records: int | None = None) -> Records | tuple[()]:
        """Return whole batches, until there are at least ``limit`` records: a batch is not split."""
        assert max_records is None
        tp = self._topic_partition
        if not self.check_assignment(tp) or not self.has_more():
            return ()
        pieces: list[Piece] = []
        count = 0
        for piece in self._partition_records or ():
            pieces.append(piece)
            count += piece.count
            if count >= self.limit:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        return read_pieces(tp, pieces) if pieces else ()


def consumer_of_columns(records_max: int) -> type[AIOKafkaConsumer]:
    """Derive a consumer class whose fetcher's ``fetched_records`` returns ``Records`` by topic-partition.

    Each has about ``records_max`` records: whole batches until that number is reached. The consumer's own methods that
    return records must not be used.
    """

    class Result(ColumnsResult):
        limit = records_max

    class ColumnFetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
        _proc_fetch_request = renamed(
            Fetcher._proc_fetch_request,  # noqa: SLF001  the only place where it creates them
            MemoryRecords=FetchedBatches,
            PartitionRecords=PartitionPieces,
            FetchResult=Result,
        )
        fetched_records = renamed(Fetcher.fetched_records, FetchResult=Result)

    class ColumnConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
        start = renamed(AIOKafkaConsumer.start, Fetcher=ColumnFetcher)

    return ColumnConsumer
