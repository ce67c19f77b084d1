"""Numbers in words, with their units."""

import math

NOTHING = "–"


def seconds(value: float | None) -> str:
    """A duration, to two places of its unit.

    >>> [seconds(value) for value in (0.4, 12.34, 95.0, 3_600.0, 9_000.0, 200_000.0, None)]
    ['0.4 s', '12 s', '1 min 35 s', '1 h', '2 h 30 min', '2 d 7 h', '–']
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 10.0:
        return f"{value:.1f}".removesuffix(".0") + " s"
    whole = round(value)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def share(value: float | None) -> str:
    """A share in percent, with one place below ten.

    >>> share(0.1234), share(0.0456), share(0.0), share(None), share(float("nan"))
    ('12%', '4.6%', '0%', '–', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.0%}" if value == 0.0 or abs(value) >= 0.1 else f"{value:.1%}"


def count(value: float | None) -> str:
    """A number of things.

    >>> count(12_345.4), count(None)
    ('12,345', '–')
    """
    return NOTHING if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """Things per second.

    >>> rate(646.2), rate(0.25), rate(0.0), rate(None)
    ('646/s', '0.2/s', '0/s', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}/s" if value >= 10.0 or value == 0.0 else f"{value:.1f}/s"


def factor(value: float) -> str:
    """A factor.

    >>> factor(1.832), factor(0.25)
    ('×1.8', '×0.25')
    """
    return f"×{value:.1f}" if value >= 1.0 else f"×{value:.2f}"


def ordinal(number: int) -> str:
    """The place in an order.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st']
    """
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
