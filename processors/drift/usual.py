"""The reference of one co-cluster."""

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from processors.arrays import FloatArray

PRIOR_STREAMS = 20.0
PRIOR_BUCKETS = 10.0
VARIANCE_MIN = 1e-3


class BlockBucket(Struct, frozen=True, array_like=True):
    """Sums of the evidence on one block in one bucket of event time, as in `BlockEvidence`.

    >>> BlockBucket(0, streams=10.0, squares=5.0, log_total=60.0, residual_total=-5.0, residual_squares=20.0).worth
    20.0
    """

    bucket_ms: int
    streams: float
    squares: float
    log_total: float
    residual_total: float
    residual_squares: float

    @property
    def worth(self) -> float:
        """Number of whole streams with the same information as these shares."""
        return self.streams**2 / self.squares if self.squares > 0.0 else 0.0

    @property
    def residual(self) -> float:
        """Mean of x = log1p(seconds) less its expectation."""
        return self.residual_total / self.streams


class Usual(Struct, array_like=True):
    """Sums over the buckets of the reference, without forgetting: the more there are, the more precise it is.

    The expected residual is zero, with the weight of `PRIOR_STREAMS` streams. Streams of one bucket are correlated if a
    few listeners contribute most of them: the variance between buckets is used once it is known to exceed the one
    within (it is shrunk to the latter by `PRIOR_BUCKETS` buckets).

    >>> usual = Usual()
    >>> for at, total in enumerate((1.0, -1.0, 0.0)):
    ...     usual.add(BlockBucket(at, 25.0, 25.0, 150.0, total, 25.0))
    >>> usual.mean_residual(), round(usual.variance_within(), 3), round(usual.variance(), 3)
    (0.0, 1.0, 1.0)
    """

    buckets: int = 0
    streams: float = 0.0
    squares: float = 0.0
    log_total: float = 0.0
    residual_total: float = 0.0
    residual_squares: float = 0.0
    worth: float = 0.0
    worth_residual: float = 0.0
    worth_residual_squares: float = 0.0

    def add(self, bucket: BlockBucket) -> None:
        """Add one bucket to the reference."""
        self.buckets += 1
        self.streams += bucket.streams
        self.squares += bucket.squares
        self.log_total += bucket.log_total
        self.residual_total += bucket.residual_total
        self.residual_squares += bucket.residual_squares
        self.worth += bucket.worth
        self.worth_residual += bucket.worth * bucket.residual
        self.worth_residual_squares += bucket.worth * bucket.residual**2

    def plus(self, columns: FloatArray) -> "Usual":
        """These sums and those of buckets [n, 6], in columns as `BlockBucket` has them.

        >>> Usual().plus(np.array([[0.0, 10.0, 5.0, 60.0, -5.0, 20.0]])) == Usual().plus(np.zeros((0, 6))).plus(
        ...     np.array([[0.0, 10.0, 5.0, 60.0, -5.0, 20.0]])
        ... )
        True
        """
        streams, residual = columns[:, 1], columns[:, 4]
        worth, mean = streams**2 / columns[:, 2], residual / streams
        scaled = worth * mean
        every = np.column_stack((columns[:, 1:], worth, scaled, scaled * mean)).sum(axis=0)
        return Usual(self.buckets + len(columns), *(every + astuple(self)[1:]).tolist())

    def mean_residual(self, prior_streams: float = PRIOR_STREAMS) -> float:
        """Mean residual, shrunk to zero."""
        return self.residual_total / (self.streams + prior_streams)

    def mean_error(self, prior_streams: float = PRIOR_STREAMS) -> float:
        """Squared standard error of that mean, in units of the variance of one stream."""
        return self.squares / (self.streams + prior_streams) ** 2

    def variance_within(self) -> float:
        """Variance of the residual of one stream, estimated from single streams."""
        return max(self.residual_squares / self.streams - (self.residual_total / self.streams) ** 2, VARIANCE_MIN)

    def variance_with(self, columns: FloatArray) -> float:
        """The same, of these sums and of buckets [n, 6] together."""
        streams, total, squares = columns[:, (1, 4, 5)].sum(axis=0).tolist()
        together = Usual(
            streams=self.streams + streams,
            residual_total=self.residual_total + total,
            residual_squares=self.residual_squares + squares,
        )
        return together.variance_within()

    def variance(self) -> float:
        """Variance of the residual of one stream, estimated from means of buckets."""
        within = self.variance_within()
        apart = max(self.worth_residual_squares - self.worth_residual**2 / self.worth, 0.0)
        return max(within, (PRIOR_BUCKETS * within + apart) / (PRIOR_BUCKETS + self.buckets - 1.0))
