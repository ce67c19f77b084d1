"""How many more pages decide about a difference of the size that is seen."""

from math import isfinite

from processors.evaluation.confidence.paired import Difference
from processors.evaluation.sums.anytime_width import mixture_width

PAGES_MAX = 10**9


def pages_more(difference: Difference, count: int, alpha: float) -> int | None:
    """Pages in addition to `count` until an interval at any time excludes zero; None beyond `PAGES_MAX`.

    It supposes that value and spread stay as they are. A difference that is smaller than its error may as well be
    zero, so the number then says little more than "many".

    >>> from processors.evaluation.estimators.verdict import Verdict
    >>> seen = Difference(value=0.01, standard_error=0.005, low=0.0, high=0.0, low_anytime=-0.005, high_anytime=0.025,
    ...     verdict=Verdict(""))
    >>> pages_more(seen, 10_000, 0.05)
    13634
    """
    shown = difference.verdict.is_shown and isfinite(difference.low_anytime)
    if not shown or not difference.value or not isfinite(difference.standard_error):
        return None
    errors = difference.standard_error * count**0.5 / abs(difference.value)

    def is_decided(pages: int) -> bool:
        return bool(float(mixture_width(pages, alpha)) * errors <= pages**0.5)

    if is_decided(count):
        return 0
    if not is_decided(PAGES_MAX):
        return None
    low, high = count, PAGES_MAX
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return high - count
