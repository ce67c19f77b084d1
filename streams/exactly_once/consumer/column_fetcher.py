"""aiokafka's consumer, below its surface: what it fetches comes in columns, not record by record.

Theory of operation. aiokafka's fetcher asks, follows positions, checks sums and leaves out control batches and what was
aborted; all of that stays its own code. It takes an answer batch by batch and unpacks each into records. Here a batch
unpacks into one ``Piece``, and the pieces of an answer are read together by compiled code. To that end the classes that
two of the fetcher's methods name are replaced: in these methods, of a subclass.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from typing_extensions import override

from streams.exactly_once.records.fetched_batches import FetchedBatches, Piece, read_pieces
from streams.exactly_once.records.read_records import Records
from streams.reading.renamed import renamed


class PartitionPieces(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's way through the batches of an answer; gives pieces of those that count."""

    @override
    def _consumer_record(self, tp: Any, record: Piece) -> Piece:
        return record.beginning_at(self.next_fetch_offset)


class ColumnsResult(FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """An answer to a fetch, of one partition, that is handed out in columns."""

    limit: int
    _partition_records: PartitionPieces | None

    @override
    def getall(self, max_records: int | None = None) -> Records | tuple[()]:
        """Give whole batches until they hold ``limit`` records or more: a batch is not cut."""
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
    """Make the kind of consumer whose fetcher's ``fetched_records`` gives ``Records`` by topic-partition.

    Each of about ``records_max`` records: whole batches, until they hold so many. The consumer's own methods that
    hand out records are of no use.
    """

    class Result(ColumnsResult):
        limit = records_max

    class ColumnFetcher(Fetcher):  # type: ignore[misc]  # aiokafka has no types
        _proc_fetch_request = renamed(
            Fetcher._proc_fetch_request,  # noqa: SLF001  the one place where it makes them
            MemoryRecords=FetchedBatches,
            PartitionRecords=PartitionPieces,
            FetchResult=Result,
        )
        fetched_records = renamed(Fetcher.fetched_records, FetchResult=Result)

    class ColumnConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
        start = renamed(AIOKafkaConsumer.start, Fetcher=ColumnFetcher)

    return ColumnConsumer
